{{/*
What every pod of the chart has in common. Most blocks take (dict "root" $ "role" "workflow" "values"
.Values.workflow); `values` is missing where there is nothing to choose.
*/}}

{{/* The head of a pod's spec: nobody here talks to the Kubernetes API, and nothing needs privileges. */}}
{{- define "memebattle.podHead" -}}
serviceAccountName: {{ include "memebattle.serviceAccountName" . | quote }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . | quote }}
{{- end }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- end -}}

{{/* Where a role's pods may run. Unless said otherwise they spread over nodes, as far as possible. */}}
{{- define "memebattle.placement" -}}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
topologySpreadConstraints:
{{- if .values.topologySpreadConstraints }}
  {{- toYaml .values.topologySpreadConstraints | nindent 2 }}
{{- else }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "memebattle.selector" . | nindent 8 }}
{{- end }}
{{- end -}}

{{/* A changed ConfigMap or Secret of ours starts new pods. */}}
{{- define "memebattle.checksums" -}}
checksum/config: {{ include "memebattle.environment" . | sha256sum }}
{{- if .Values.secrets.create }}
checksum/secret: {{ toYaml .Values.secrets.data | sha256sum }}
{{- end }}
{{- end -}}

{{/* Which image, and with which rights. */}}
{{- define "memebattle.containerHead" -}}
image: {{ include "memebattle.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end -}}

{{/* The environment that all have, with the additions of the role. */}}
{{- define "memebattle.envFrom" -}}
- configMapRef:
    name: {{ include "memebattle.fullname" .root }}
{{- with (.values | default dict).extraEnvFrom }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Who signs in at NATS, from (dict "root" $ "user" "provision"). */}}
{{- define "memebattle.natsUser" -}}
{{- with .root.Values.nats.auth }}
{{- if .enabled }}
- name: NATS_USER
  value: {{ $.user }}
- name: NATS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret | quote }}
      key: {{ $.user }}-password
- name: NATS_INBOX_PREFIX
  value: _INBOX_{{ $.user }}
{{- end }}
{{- end }}
{{- end -}}

{{/* An address of Redis with a password in it. */}}
{{- define "memebattle.redisUrl" -}}
{{- with .Values.redis.existingSecret }}
- name: REDIS_URL
  valueFrom:
    secretKeyRef:
      name: {{ . | quote }}
      key: REDIS_URL
{{- end }}
{{- end -}}

{{/* The tokens that this role needs, and no others. */}}
{{- define "memebattle.secretEnv" -}}
{{- with include "memebattle.secretName" .root }}
{{- range get (include "memebattle.secretVariables" $.root | fromYaml) $.role }}
- name: {{ . }}
  valueFrom:
    secretKeyRef:
      name: {{ include "memebattle.secretName" $.root | quote }}
      key: {{ . }}
      optional: true
{{- end }}
{{- end }}
{{- end -}}

{{/* The variables of one role: who it is, then its secrets, then what the values add. */}}
{{- define "memebattle.roleEnv" -}}
- name: SHUTDOWN_GRACE
  value: {{ .values.shutdownGrace | quote }}
- name: WORKER_ID
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- include "memebattle.natsUser" (dict "root" .root "user" (eq .role "gateway" | ternary "gateway" "worker")) }}
{{- include "memebattle.redisUrl" .root }}
{{- include "memebattle.secretEnv" . }}
{{- range $name, $value := .values.settings }}
- name: {{ $name }}
  value: {{ include "memebattle.plain" $value | quote }}
{{- end }}
{{- with .values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The root is read-only; /tmp is the one place to write. */}}
{{- define "memebattle.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- if .root.Values.nats.tls.enabled }}
- name: nats-tls
  mountPath: /etc/nats-tls
  readOnly: true
{{- end }}
{{- with (.values | default dict).extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "memebattle.volumes" -}}
- name: tmp
  emptyDir: {}
{{- with .root.Values.nats.tls }}
{{- if .enabled }}
- name: nats-tls
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ .caSecret | quote }}
          items:
            - key: {{ .caKey | quote }}
              path: ca.crt
      {{- if .clientSecret }}
      - secret:
          name: {{ .clientSecret | quote }}
          items:
            - key: tls.crt
              path: tls.crt
            - key: tls.key
              path: tls.key
      {{- end }}
{{- end }}
{{- end }}
{{- with (.values | default dict).extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Started as soon as it answers: every scale from zero waits for the first probe. */}}
{{- define "memebattle.probes" -}}
startupProbe:
  httpGet:
    path: /livez
    port: {{ .port }}
  periodSeconds: 1
  timeoutSeconds: 3
  failureThreshold: 90
livenessProbe:
  httpGet:
    path: /livez
    port: {{ .port }}
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
readinessProbe:
  httpGet:
    path: /readyz
    port: {{ .port }}
  periodSeconds: 3
  timeoutSeconds: 3
  failureThreshold: 2
{{- end -}}
