{{/* How many pods a role has, in words, from its values. */}}
{{- define "memebattle.replicasInWords" -}}
{{- with .autoscaling -}}
{{- if eq .mode "keda" -}}{{ .minReplicas }} to {{ .maxReplicas }}, one for every {{ .lagThreshold }} messages
{{- else if eq .mode "hpa" -}}{{ .minReplicas }} to {{ .maxReplicas }}, by CPU
{{- else -}}{{ $.replicas }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What the values leave to somebody else, a line each. */}}
{{- define "memebattle.reminders" -}}
{{- if include "memebattle.asksKeda" . }}
  - KEDA 2.20 or newer has to be in the cluster; older ones take a missing consumer for a full queue.
{{- end }}
{{- if and .Values.nats.auth.enabled .Release.IsInstall }}
  - Pods start when Secret {{ .Values.nats.auth.existingSecret }} is there. Before NATS is installed this makes it, and the servers' own;
    afterwards it changes every password:
    memebattle k8s secrets --namespace {{ .Release.Namespace }} | kubectl apply -f -
{{- end }}
{{- if not .Values.secrets.create }}
{{- with .Values.secrets.existingSecret }}
  - Without HF_API_TOKEN in Secret {{ . }} pictures are drawn offline:
    kubectl create secret generic {{ . }} -n {{ $.Release.Namespace }} --from-literal=HF_API_TOKEN=...
{{- else }}
  - secrets.existingSecret is empty: pictures and texts are made offline.
{{- end }}
{{- end }}
{{- if not .Values.streams.job.enabled }}
  - streams.job.enabled is false: run `memebattle streams apply` yourself, or nothing starts from zero.
{{- end }}
{{- with .Values.priority }}
{{- if and .enabled (eq .autoscaling.mode "keda") (eq (int .autoscaling.minReplicas) 0) }}
  - priority.autoscaling.minReplicas is 0: while nobody is awake, `prioritization.sync` is not answered.
{{- end }}
{{- end }}
{{- if not .Values.networkPolicy.enabled }}
  - networkPolicy.enabled is false: every pod of the cluster reaches these.
{{- end }}
{{- if not .Values.metrics.podMonitor.enabled }}
  - metrics.podMonitor.enabled is false: nobody reads /metrics, unless Prometheus finds pods by itself.
{{- end }}
{{- end -}}
