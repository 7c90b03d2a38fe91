{{/* How many pods a role has: by its backlog, by its CPU, or as many as are written. From the role's context. */}}

{{/* KEDA: replicas = ceil((pending + in work) / lagThreshold). Every metadata value has to be a string. */}}
{{- define "memebattle.scaledObject" -}}
{{- $nats := .root.Values.nats -}}
{{- with .values.autoscaling -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ include "memebattle.roleName" $ }}
  namespace: {{ $.root.Release.Namespace | quote }}
  labels:
    {{- include "memebattle.labels" $ | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "memebattle.roleName" $ }}
  minReplicaCount: {{ .minReplicas }}
  maxReplicaCount: {{ .maxReplicas }}
  pollingInterval: {{ .pollingInterval }}
  cooldownPeriod: {{ .cooldownPeriod }}
  initialCooldownPeriod: {{ .initialCooldownPeriod }}
  fallback:
    failureThreshold: {{ .fallback.failureThreshold }}
    replicas: {{ .fallback.replicas }}
    behavior: currentReplicasIfHigher
  advanced:
    # whoever takes over from KEDA finds somebody awake: at zero an HPA does nothing
    restoreToOriginalReplicaCount: true
    {{- with .behavior }}
    horizontalPodAutoscalerConfig:
      behavior:
        {{- toYaml . | nindent 8 }}
    {{- end }}
  triggers:
    - type: nats-jetstream
      metricType: AverageValue
      metadata:
        natsServerMonitoringEndpoint: {{ $nats.monitoringEndpoint | quote }}
        {{- if $nats.accountID }}
        accountID: {{ $nats.accountID | quote }}
        {{- else }}
        account: {{ $nats.account | quote }}
        {{- end }}
        stream: {{ $.queue.stream | quote }}
        consumer: {{ $.queue.consumer | quote }}
        lagThreshold: {{ .lagThreshold | quote }}
        activationLagThreshold: {{ .activationLagThreshold | quote }}
        useHttps: "false"
{{- end -}}
{{- end -}}

{{/* On CPU: never to zero. */}}
{{- define "memebattle.horizontalPodAutoscaler" -}}
{{- with .values.autoscaling -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "memebattle.roleName" $ }}
  namespace: {{ $.root.Release.Namespace | quote }}
  labels:
    {{- include "memebattle.labels" $ | nindent 4 }}
  annotations:
    # an upgrade to KEDA makes the ScaledObject before this one goes, and KEDA would refuse it
    validations.keda.sh/hpa-ownership: "false"
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "memebattle.roleName" $ }}
  minReplicas: {{ .minReplicas }}
  maxReplicas: {{ .maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ .targetCPUUtilizationPercentage }}
  {{- with .behavior }}
  behavior:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{- define "memebattle.podDisruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "memebattle.roleName" . }}
  namespace: {{ .root.Release.Namespace | quote }}
  labels:
    {{- include "memebattle.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ .values.pdb.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "memebattle.selector" . | nindent 6 }}
{{- end -}}

{{/* "true" where a budget makes sense: nobody needs one for pods that are usually not there. */}}
{{- define "memebattle.hasBudget" -}}
{{- $asleep := and (eq .autoscaling.mode "keda") (eq (int .autoscaling.minReplicas) 0) -}}
{{- if and .enabled .pdb.enabled (not $asleep) -}}true{{- end -}}
{{- end -}}

{{/* "true" where KEDA scales any role. */}}
{{- define "memebattle.asksKeda" -}}
{{- $asked := false -}}
{{- range list .Values.worker .Values.workflow .Values.priority -}}
{{- $asked = or $asked (and .enabled (eq .autoscaling.mode "keda")) -}}
{{- end -}}
{{- if $asked -}}true{{- end -}}
{{- end -}}
