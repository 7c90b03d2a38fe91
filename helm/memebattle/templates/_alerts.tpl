{{/*
The groups of files/alerts.yaml, each alert with the place of its runbook. The file is data, not a template:
the double braces in it are Prometheus' own.
*/}}
{{- define "memebattle.alertGroups" -}}
{{- $url := .Values.metrics.prometheusRule.runbookUrl | trimSuffix "/" -}}
{{- $groups := (.Files.Get "files/alerts.yaml" | fromYaml).groups -}}
{{- range $group := $groups -}}
{{- $wanted := list -}}
{{- range $rule := $group.rules -}}
{{- if or $.Values.gateway.enabled (ne $rule.alert "GatewayMissing") -}}
{{- $wanted = append $wanted $rule -}}
{{- end -}}
{{- end -}}
{{- $_ := set $group "rules" $wanted -}}
{{- range $rule := $group.rules -}}
{{- with $rule.alert -}}
{{- $page := printf "%s.md" . -}}
{{- $runbook := empty $url | ternary (dict "runbook" (printf "architecture/runbooks/%s" $page)) (dict "runbook_url" (printf "%s/%s" $url $page)) -}}
{{- $_ := set $rule "annotations" (merge $runbook (omit ($rule.annotations | default dict) "runbook" "runbook_url")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $groups -}}
{{- end -}}
