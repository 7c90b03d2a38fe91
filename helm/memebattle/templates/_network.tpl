{{/* The head of a NetworkPolicy for some components, from (dict "root" $ "name" "redis" "components" (list "worker")). */}}
{{- define "memebattle.networkPolicyHead" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "memebattle.fullname" .root }}-{{ .name }}
  namespace: {{ .root.Release.Namespace | quote }}
  labels:
    {{- include "memebattle.labels" (dict "root" .root) | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "memebattle.selectorOfAll" .root | nindent 6 }}
    {{- with .components }}
    matchExpressions:
      - key: app.kubernetes.io/component
        operator: In
        values: [{{ join ", " . }}]
    {{- end }}
{{- end -}}

{{/* All pods of a namespace, as one peer of a rule. */}}
{{- define "memebattle.namespacePeer" -}}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ . | quote }}
{{- end -}}
