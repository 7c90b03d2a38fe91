{{/*
The Deployment of a worker role, from (dict "root" $ "role" "workflow" "contexts" "chat" "values"
.Values.workflow). The roles differ in what they serve and in their values, in nothing else.
*/}}
{{- define "memebattle.workerDeployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "memebattle.roleName" . }}
  namespace: {{ .root.Release.Namespace | quote }}
  labels:
    {{- include "memebattle.labels" . | nindent 4 }}
spec:
  {{- if eq .values.autoscaling.mode "none" }}
  replicas: {{ .values.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 25%
      maxUnavailable: 0
  selector:
    matchLabels:
      {{- include "memebattle.selector" . | nindent 6 }}
  template:
    metadata:
      annotations:
        {{- include "memebattle.checksums" .root | nindent 8 }}
        {{- with .values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      labels:
        {{- /* the documents' older name for the worker */ -}}
        {{- $older := eq .role "worker" | ternary (dict "app" "meme-backend") dict }}
        {{- include "memebattle.labels" (merge (dict "more" (merge $older .values.podLabels)) .) | nindent 8 }}
    spec:
      {{- include "memebattle.podHead" .root | nindent 6 }}
      {{- include "memebattle.placement" . | trim | nindent 6 }}
      terminationGracePeriodSeconds: {{ add .values.shutdownGrace 15 }}
      containers:
        - name: worker
          {{- include "memebattle.containerHead" .root | nindent 10 }}
          command: [faststream, run, "memebattle.worker:create_app", --factory]
          envFrom:
            {{- include "memebattle.envFrom" . | nindent 12 }}
          env:
            - name: WORKER_CONTEXTS
              value: {{ .contexts }}
            {{- include "memebattle.roleEnv" . | nindent 12 }}
          ports:
            - name: metrics
              containerPort: 9090
              protocol: TCP
          {{- include "memebattle.probes" (dict "port" "metrics") | nindent 10 }}
          resources:
            {{- toYaml .values.resources | nindent 12 }}
          volumeMounts:
            {{- include "memebattle.volumeMounts" . | nindent 12 }}
      volumes:
        {{- include "memebattle.volumes" . | nindent 8 }}
{{- end -}}
