{{/*
Names, labels and small blocks that more than one template needs. A role is `worker`, `workflow`, `priority`, `battle`
or `gateway`: the name of its values, of its folder here and of its component label.
*/}}

{{/* The `app.kubernetes.io/name` of everything. */}}
{{- define "memebattle.name" -}}
{{- .Values.nameOverride | default .Chart.Name -}}
{{- end -}}

{{/* What the names of all objects begin with. 45 characters leave room for what KEDA makes of it: `keda-hpa-...-workflow`. */}}
{{- define "memebattle.fullname" -}}
{{- $name := include "memebattle.name" . -}}
{{- $own := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- .Values.fullnameOverride | default ($own | trunc 45 | trimSuffix "-") -}}
{{- end -}}

{{/* The name of a role's objects, from (dict "root" $ "role" "gateway"); the worker has the plain one. */}}
{{- define "memebattle.roleName" -}}
{{- $fullname := include "memebattle.fullname" .root -}}
{{- eq .role "worker" | ternary $fullname (printf "%s-%s" $fullname .role) -}}
{{- end -}}

{{/* What a selector selects by, from (dict "root" $ "role" "gateway"). It can never change after the install. */}}
{{- define "memebattle.selector" -}}
app.kubernetes.io/name: {{ include "memebattle.name" .root | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .role }}
{{- end -}}

{{/* What selects every pod of the release. */}}
{{- define "memebattle.selectorOfAll" -}}
app.kubernetes.io/name: {{ include "memebattle.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* The labels that the chart gives; `role` may be missing where an object belongs to no role. */}}
{{- define "memebattle.ownLabels" -}}
{{ include "memebattle.selectorOfAll" .root }}
{{- with .role }}
app.kubernetes.io/component: {{ . }}
{{- end }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: memebattle
{{- end -}}

{{/* All labels of an object, with `more` of its own and the common ones. */}}
{{- define "memebattle.labels" -}}
{{- $own := include "memebattle.ownLabels" . | fromYaml -}}
{{- merge $own (.more | default dict) .root.Values.commonLabels | toYaml -}}
{{- end -}}

{{/* The one image of all roles. A digest wins over a tag. */}}
{{- define "memebattle.image" -}}
{{- $image := .Values.image -}}
{{- $name := empty $image.registry | ternary $image.repository (printf "%s/%s" $image.registry $image.repository) -}}
{{- if $image.digest -}}
{{ printf "%s@%s" $name $image.digest }}
{{- else -}}
{{ printf "%s:%s" $name ($image.tag | default .Chart.AppVersion) }}
{{- end -}}
{{- end -}}

{{- define "memebattle.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "memebattle.fullname" .) "default") -}}
{{- end -}}

{{/* The Secret with the providers' tokens; empty when there is none. */}}
{{- define "memebattle.secretName" -}}
{{- $made := .Values.secrets.create | ternary (printf "%s-secrets" (include "memebattle.fullname" .)) "" -}}
{{- .Values.secrets.existingSecret | default $made -}}
{{- end -}}

{{/* A number or a word as the environment wants it: a large number without its exponent. */}}
{{- define "memebattle.plain" -}}
{{- if and (kindIs "float64" .) (eq (toString (floor .)) (toString .)) -}}{{ printf "%.0f" . }}{{- else -}}{{ . }}{{- end -}}
{{- end -}}

{{/* The ports of a list of addresses, from (dict "urls" "nats://a:4222,nats://b" "default" 4222). */}}
{{- define "memebattle.ports" -}}
{{- $ports := list -}}
{{- range splitList "," .urls -}}
{{- $port := regexFind ":[0-9]+$" (regexFind "^[^/?]+" (regexReplaceAll "^[a-z]+://" (trim .) "")) | trimPrefix ":" -}}
{{- $ports = append $ports ($port | default (toString $.default)) -}}
{{- end -}}
{{- range $ports | uniq | sortAlpha }}
- protocol: TCP
  port: {{ . }}
{{- end -}}
{{- end -}}
