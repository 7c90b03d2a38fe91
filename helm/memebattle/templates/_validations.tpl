{{/*
Combinations of values that cannot work: one sentence each, with what to do about it. What a single value may
be stands in values.schema.json.
*/}}

{{- define "memebattle.faults" -}}
{{- include "memebattle.nameFaults" . }}
{{- include "memebattle.labelFaults" . }}
{{- include "memebattle.natsFaults" . }}
{{- include "memebattle.storeFaults" . }}
{{- range $role := list "worker" "workflow" "priority" }}
{{- if (index $.Values $role).enabled }}
{{- include "memebattle.scalingFaults" (dict "role" $role "values" (index $.Values $role)) }}
{{- end }}
{{- end }}
{{- include "memebattle.kedaFaults" . }}
{{- include "memebattle.battleFaults" . }}
{{- include "memebattle.gatewayFaults" . }}
{{- include "memebattle.graceFaults" . }}
{{- include "memebattle.bridgeFaults" . }}
{{- include "memebattle.settingsFaults" . }}
{{- end -}}

{{- define "memebattle.nameFaults" -}}
{{- with include "memebattle.fullname" . }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" .) }}
The name {{ . | quote }} cannot be used for a Service: set fullnameOverride to lower case letters, digits and dashes, beginning with a letter.
{{- end }}
{{- if gt (len .) 45 }}
The name {{ . | quote }} has {{ len . }} characters and what is added to it needs 18 of 63: set fullnameOverride to at most 45.
{{- end }}
{{- end }}
{{- if not (or .Values.worker.enabled .Values.workflow.enabled .Values.priority.enabled .Values.battle.enabled .Values.gateway.enabled) }}
Nothing is enabled: set worker.enabled, workflow.enabled, priority.enabled, battle.enabled or gateway.enabled to true.
{{- end }}
{{- end -}}

{{/* Labels and annotations that are ours: a selector depends on them, or a restart. */}}
{{- define "memebattle.labelFaults" -}}
{{- $own := include "memebattle.ownLabels" (dict "root" $ "role" "any") | fromYaml }}
{{- $places := dict "commonLabels" .Values.commonLabels }}
{{- range $kind, $values := .Values.metrics }}
{{- $_ := set $places (printf "metrics.%s.labels" $kind) $values.labels }}
{{- end }}
{{- range $role := list "worker" "workflow" "priority" "battle" "gateway" }}
{{- $_ := set $places (printf "%s.podLabels" $role) (index $.Values $role).podLabels }}
{{- range $name, $_ := (index $.Values $role).podAnnotations }}
{{- if hasPrefix "checksum/" $name }}
{{ $role }}.podAnnotations.{{ $name }} belongs to the chart, which restarts pods by it: leave it out.
{{- end }}
{{- end }}
{{- end }}
{{- range $place, $labels := $places }}
{{- range $name, $_ := $labels }}
{{- if or (hasKey $own $name) (and (eq $name "app") (eq $place "worker.podLabels")) }}
{{ $place }}.{{ $name }} belongs to the chart: leave it out.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "memebattle.natsFaults" -}}
{{- with .Values.nats }}
{{- range splitList "," .url }}
{{- if regexMatch "^[a-z]+://[^/]*@" (trim .) }}
nats.url carries credentials, and a ConfigMap is no place for them: set it to the bare address, and name the Secret with the passwords in nats.auth.existingSecret.
{{- else if and $.Values.nats.tls.enabled (not (regexMatch "^(tls|wss)://" (trim .))) }}
nats.tls.enabled is true and {{ trim . | quote }} in nats.url asks for no TLS: begin every address with tls://, or set nats.tls.enabled to false.
{{- end }}
{{- end }}
{{- if and .tls.enabled (not (and .tls.caSecret .tls.caKey)) }}
nats.tls.enabled is true and nobody's certificates are trusted: name the Secret of the authority in nats.tls.caSecret, and its key in nats.tls.caKey.
{{- end }}
{{- if and .auth.enabled (not .auth.existingSecret) }}
nats.auth.enabled is true and there are no passwords: name their Secret in nats.auth.existingSecret (`memebattle k8s secrets` makes it), or set nats.auth.enabled to false for servers without accounts.
{{- end }}
{{- if not (has (int .replicas) (list 1 3 5)) }}
nats.replicas is {{ .replicas }}, and a majority needs an odd number of copies: set it to 1 for a single server, to 3, or to 5.
{{- end }}
{{- end }}
{{- with .Values.streams }}
{{- if ne 3 (list .memes.stream .workflow.stream .priority.stream | uniq | len) }}
Two of streams.memes.stream, streams.workflow.stream and streams.priority.stream are the same: give each work queue a name of its own.
{{- end }}
{{- end }}
{{- end -}}

{{- define "memebattle.storeFaults" -}}
{{- with .Values.redis }}
{{- if regexMatch "^[a-z]+://[^/]*@" .url }}
redis.url carries credentials, and a ConfigMap is no place for them: put the address into a Secret under the key REDIS_URL, and name that in redis.existingSecret.
{{- end }}
{{- if not (or .url .existingSecret) }}
redis.url is empty: set it, or name a Secret with the key REDIS_URL in redis.existingSecret.
{{- end }}
{{- end }}
{{- if and .Values.secrets.create (not .Values.secrets.data) }}
secrets.create is true and secrets.data is empty: put the tokens there, e.g. HF_API_TOKEN, or set secrets.create to false.
{{- end }}
{{- end -}}

{{- define "memebattle.scalingFaults" -}}
{{- $name := .role }}
{{- with .values.autoscaling }}
{{- if ne .mode "none" }}
{{- if gt (int .minReplicas) (int .maxReplicas) }}
{{ $name }}.autoscaling.minReplicas is {{ .minReplicas }} and maxReplicas {{ .maxReplicas }}: raise the one or lower the other.
{{- end }}
{{- end }}
{{- if eq .mode "hpa" }}
{{- if lt (int .minReplicas) 1 }}
{{ $name }}.autoscaling.mode is hpa and minReplicas 0, and CPU cannot tell that there is work while nothing runs: set minReplicas to 1 or more, or mode to keda.
{{- end }}
{{- if not (dig "requests" "cpu" "" $.values.resources) }}
{{ $name }}.autoscaling.mode is hpa, which measures in percent of the request: set {{ $name }}.resources.requests.cpu.
{{- end }}
{{- end }}
{{- if eq .mode "keda" }}
{{- if gt (int $.values.concurrency) (int .lagThreshold) }}
{{ $name }}.concurrency is {{ $.values.concurrency }} and {{ $name }}.autoscaling.lagThreshold {{ .lagThreshold }}: one replica would take the work that the next is started for. Lower concurrency, or raise lagThreshold.
{{- end }}
{{- if le (int .lagThreshold) (int .activationLagThreshold) }}
{{ $name }}.autoscaling.activationLagThreshold is {{ .activationLagThreshold }} and lagThreshold {{ .lagThreshold }}: more than a replica's work would wait for ever. Set activationLagThreshold to 0.
{{- end }}
{{- if lt (int .cooldownPeriod) (int .pollingInterval) }}
{{ $name }}.autoscaling.cooldownPeriod is {{ .cooldownPeriod }} and pollingInterval {{ .pollingInterval }}: replicas would go before anybody looked again. Raise cooldownPeriod to {{ .pollingInterval }} or more.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "memebattle.kedaFaults" -}}
{{- if include "memebattle.asksKeda" . }}
{{- with .Values.nats }}
{{- if not (or .account .accountID) }}
nats.account and nats.accountID are empty, so KEDA would find no stream: set nats.account to the account's name (`$G` where the servers have no accounts), or nats.accountID to its public key in operator mode.
{{- end }}
{{- if not (regexMatch "^[^/]+:[0-9]+$" .monitoringEndpoint) }}
nats.monitoringEndpoint is {{ .monitoringEndpoint | quote }}: KEDA wants a host and a port without a scheme. Set it to e.g. nats-headless.messaging.svc.cluster.local:8222.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "memebattle.battleFaults" -}}
{{- with .Values.battle }}
{{- if .enabled }}
{{- include "memebattle.scalingFaults" (dict "role" "battle" "values" .) }}
{{- if and (eq .autoscaling.mode "none") (lt (int .replicas) 1) }}
battle.replicas is {{ .replicas }}, and who plays waits for a reply: set it to 1 or more, or battle.enabled to false.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "memebattle.gatewayFaults" -}}
{{- with .Values.gateway }}
{{- if .enabled }}
{{- if lt (int .autoscaling.minReplicas) 1 }}
gateway.autoscaling.minReplicas is {{ .autoscaling.minReplicas }}, and event streams are held there: set it to 1 or more.
{{- end }}
{{- if lt (int .replicas) 1 }}
gateway.replicas is {{ .replicas }}, and event streams are held there: set it to 1 or more, or gateway.enabled to false.
{{- end }}
{{- if eq .autoscaling.mode "hpa" }}
{{- if gt (int .autoscaling.minReplicas) (int .autoscaling.maxReplicas) }}
gateway.autoscaling.minReplicas is {{ .autoscaling.minReplicas }} and maxReplicas {{ .autoscaling.maxReplicas }}: raise the one or lower the other.
{{- end }}
{{- if not (dig "requests" "cpu" "" .resources) }}
gateway.autoscaling.mode is hpa, which measures in percent of the request: set gateway.resources.requests.cpu.
{{- end }}
{{- end }}
{{- if and .service.nodePort (eq .service.type "ClusterIP") }}
gateway.service.nodePort is {{ .service.nodePort }} and the Service has none: set gateway.service.type to NodePort or LoadBalancer, or nodePort to 0.
{{- end }}
{{- else if or $.Values.ingress.enabled $.Values.httpRoute.enabled }}
ingress.enabled or httpRoute.enabled is true and there is no gateway behind it: set gateway.enabled to true, or both to false.
{{- end }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
httpRoute.enabled is true and it belongs to no gateway of the cluster: name one in httpRoute.parentRefs, e.g. [{name: public, namespace: gateways}].
{{- end }}
{{- if and .Values.gateway.enabled .Values.ingress.enabled .Values.ingress.tls.enabled (hasPrefix "ws:" .Values.nats.websocketUrl) }}
ingress.tls.enabled is true and nats.websocketUrl {{ .Values.nats.websocketUrl | quote }}, which no browser opens from a page over https: begin it with wss://, or leave it empty for wss://nats.<host of the page>.
{{- end }}
{{- if and .Values.ingress.enabled .Values.ingress.tls.enabled (not .Values.ingress.tls.secretName) }}
ingress.tls.enabled is true and there is no certificate: name its Secret in ingress.tls.secretName.
{{- end }}
{{- end -}}

{{/* What a setting is worth in a role: its own, else that of all, else the program's default. */}}
{{- define "memebattle.effective" -}}
{{- $all := index .root.Values "settings" -}}
{{- get .values.settings .name | default (get $all .name) | default .default -}}
{{- end -}}

{{- define "memebattle.graceFaults" -}}
{{- with .Values.worker }}
{{- $timeout := include "memebattle.effective" (dict "root" $ "values" . "name" "HF_TIMEOUT" "default" 60) }}
{{- if and .enabled (ge (float64 $timeout) (float64 .shutdownGrace)) }}
HF_TIMEOUT is {{ $timeout }} s and worker.shutdownGrace {{ .shutdownGrace }}: a stopping worker could not wait for its picture. Raise worker.shutdownGrace, or lower settings.HF_TIMEOUT.
{{- end }}
{{- end }}
{{- with .Values.gateway }}
{{- $timeout := include "memebattle.effective" (dict "root" $ "values" . "name" "CHAT_SEND_TIMEOUT" "default" 15) }}
{{- if and .enabled (ge (float64 $timeout) (float64 .shutdownGrace)) }}
CHAT_SEND_TIMEOUT is {{ $timeout }} s and gateway.shutdownGrace {{ .shutdownGrace }}: a blocked reader would outlive the gateway. Raise gateway.shutdownGrace, or lower settings.CHAT_SEND_TIMEOUT.
{{- end }}
{{- end }}
{{- end -}}

{{- define "memebattle.bridgeFaults" -}}
{{- with .Values.priority }}
{{- $bridge := include "memebattle.effective" (dict "root" $ "values" . "name" "LEGACY_REDIS_BRIDGE" "default" false) }}
{{- if has (lower $bridge) (list "true" "1" "yes" "on") }}
{{- if not .enabled }}
LEGACY_REDIS_BRIDGE is on and nobody bridges: set priority.enabled to true, or the variable to false.
{{- else if and (eq .autoscaling.mode "keda") (eq (int .autoscaling.minReplicas) 0) }}
LEGACY_REDIS_BRIDGE is on and priority.autoscaling.minReplicas 0: a sleeping worker bridges nothing. Set minReplicas to 1 or more.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "memebattle.settingsFaults" -}}
{{- $own := include "memebattle.ownVariables" . | fromYaml }}
{{- $streams := include "memebattle.streamVariables" . | fromYamlArray }}
{{- range $role := list "" "worker" "workflow" "priority" "battle" "gateway" }}
{{- $place := empty $role | ternary "settings" (printf "%s.settings" $role) }}
{{- $settings := get (empty $role | ternary $.Values (get $.Values $role | default dict)) "settings" }}
{{- range $name, $_ := $settings }}
{{- if hasKey $own $name }}
{{ $place }}.{{ $name }} belongs to the chart: {{ get $own $name }}.
{{- else if and $role (has $name $streams) }}
{{ $place }}.{{ $name }} decides about streams that all roles share: move it to `settings`.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
