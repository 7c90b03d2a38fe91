{{/*
Which environment variables the chart gives to whom. `make chart-docs` reads the two lists of refused
variables from here into values.schema.json; each says what to do instead.
*/}}

{{/* Shared by all roles and by the Job that applies the streams: it computes them from the same values. */}}
{{- define "memebattle.environment" -}}
{{- $values := .Values -}}
NATS_URL: {{ $values.nats.url | quote }}
NATS_REPLICAS: {{ $values.nats.replicas | quote }}
NATS_STREAM: {{ $values.streams.memes.stream | quote }}
NATS_CONSUMER: {{ $values.streams.memes.consumer | quote }}
NATS_WORKFLOW_STREAM: {{ $values.streams.workflow.stream | quote }}
NATS_WORKFLOW_CONSUMER: {{ $values.streams.workflow.consumer | quote }}
NATS_PRIORITY_STREAM: {{ $values.streams.priority.stream | quote }}
NATS_PRIORITY_CONSUMER: {{ $values.streams.priority.consumer | quote }}
NATS_WEBSOCKET_URL: {{ $values.nats.websocketUrl | quote }}
{{- if $values.nats.tls.enabled }}
NATS_TLS_CA_FILE: /etc/nats-tls/ca.crt
{{- if $values.nats.tls.clientSecret }}
NATS_TLS_CERT_FILE: /etc/nats-tls/tls.crt
NATS_TLS_KEY_FILE: /etc/nats-tls/tls.key
{{- end }}
{{- end }}
{{- if not $values.redis.existingSecret }}
REDIS_URL: {{ $values.redis.url | quote }}
{{- end }}
ENABLE_CORE_NATS: {{ $values.worker.enableCoreNats | quote }}
WORKER_CONCURRENCY: {{ $values.worker.concurrency | quote }}
CHAT_CONCURRENCY: {{ $values.workflow.concurrency | quote }}
PRIORITY_CONCURRENCY: {{ $values.priority.concurrency | quote }}
WORKER_MAX_REPLICAS: {{ include "memebattle.maxReplicas" . | quote }}
PAGE_CONTEXTS: {{ $values.gateway.pageContexts | default (include "memebattle.contexts" .) | quote }}
METRICS_ADDR: "0.0.0.0:9090"
GATEWAY_ADDR: "0.0.0.0:8000"
LOG_FORMAT: json
{{- with $values.tracing.endpoint }}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ . | quote }}
{{- end }}
{{- range $name, $value := $values.settings }}
{{ $name }}: {{ include "memebattle.plain" $value | quote }}
{{- end }}
{{- end -}}

{{/* The most replicas any enabled worker role may have; it sizes `max_ack_pending` of the consumers. */}}
{{- define "memebattle.maxReplicas" -}}
{{- $most := 1 -}}
{{- range $role := list "worker" "workflow" "priority" -}}
{{- with index $.Values $role -}}
{{- if .enabled -}}
{{- $most = max $most (eq .autoscaling.mode "none" | ternary .replicas .autoscaling.maxReplicas) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $most -}}
{{- end -}}

{{/* What the enabled roles serve: the page offers nothing else. */}}
{{- define "memebattle.contexts" -}}
{{- $contexts := list -}}
{{- $served := dict "worker" "memes" "workflow" "chat" "priority" "priority" "battle" "battle" -}}
{{- range $role := list "worker" "workflow" "priority" "battle" -}}
{{- if (index $.Values $role).enabled -}}
{{- $contexts = append $contexts (get $served $role) -}}
{{- end -}}
{{- end -}}
{{- join "," $contexts -}}
{{- end -}}

{{/* The keys of the Secret that a role may read: role -> variables. */}}
{{- define "memebattle.secretVariables" -}}
worker: [HF_API_TOKEN]
workflow: [OPENAI_API_KEY, ANTHROPIC_API_KEY, CHAT_CUSTOM_KEY]
priority: [OPENAI_API_KEY, ANTHROPIC_API_KEY, CHAT_CUSTOM_KEY, CACHE_USER_KEY]
battle: []
gateway: [CACHE_USER_KEY]
test: [HF_API_TOKEN, OPENAI_API_KEY, ANTHROPIC_API_KEY, CHAT_CUSTOM_KEY]
{{- end -}}

{{/* Refused in every `settings`: variable -> what to do instead. */}}
{{- define "memebattle.ownVariables" -}}
NATS_URL: set `nats.url`
NATS_USER: set `nats.auth`
NATS_PASSWORD: set `nats.auth`
NATS_INBOX_PREFIX: set `nats.auth`
NATS_TLS_CA_FILE: set `nats.tls`
NATS_TLS_CERT_FILE: set `nats.tls`
NATS_TLS_KEY_FILE: set `nats.tls`
NATS_REPLICAS: set `nats.replicas`
NATS_WEBSOCKET_URL: set `nats.websocketUrl`
NATS_STREAM: set `streams.memes.stream`
NATS_CONSUMER: set `streams.memes.consumer`
NATS_WORKFLOW_STREAM: set `streams.workflow.stream`
NATS_WORKFLOW_CONSUMER: set `streams.workflow.consumer`
NATS_PRIORITY_STREAM: set `streams.priority.stream`
NATS_PRIORITY_CONSUMER: set `streams.priority.consumer`
REDIS_URL: set `redis.url`, or `redis.existingSecret` for an address with a password
ENABLE_CORE_NATS: set `worker.enableCoreNats`
WORKER_CONCURRENCY: set `worker.concurrency`
CHAT_CONCURRENCY: set `workflow.concurrency`
PRIORITY_CONCURRENCY: set `priority.concurrency`
WORKER_MAX_REPLICAS: set `autoscaling.maxReplicas` of the roles
WORKER_CONTEXTS: set `worker.enabled`, `workflow.enabled`, `priority.enabled` and `battle.enabled`
PAGE_CONTEXTS: set `gateway.pageContexts`
WORKER_ID: it is always the name of the pod
SHUTDOWN_GRACE: set `shutdownGrace` of the role
METRICS_ADDR: the port `metrics` is always 9090
GATEWAY_ADDR: the port `http` is always 8000
LOG_FORMAT: in a cluster logs are JSON
OTEL_EXPORTER_OTLP_ENDPOINT: set `tracing.endpoint`
HF_API_TOKEN: put it into the Secret of `secrets.existingSecret`
OPENAI_API_KEY: put it into the Secret of `secrets.existingSecret`
ANTHROPIC_API_KEY: put it into the Secret of `secrets.existingSecret`
CHAT_CUSTOM_KEY: put it into the Secret of `secrets.existingSecret`
CACHE_USER_KEY: put it into the Secret of `secrets.existingSecret`
{{- end -}}

{{/* Refused in the `settings` of one role, because the streams are computed from them. */}}
{{- define "memebattle.streamVariables" -}}
- NATS_REQUEST_SUBJECT
- NATS_RESPONSE_SUBJECT
- NATS_LOG_STREAM
- NATS_RESULTS_STREAM
- NATS_DEAD_LETTER_STREAM
- NATS_IMAGE_BUCKET
- NATS_CHUNKS_STREAM
- NATS_PRIORITY_RESULTS_STREAM
- NATS_EVENTS_STREAM
- NATS_BATTLE_STREAM
- JETSTREAM_ENABLED
- JETSTREAM_DOMAIN
- JETSTREAM_MAX_MEMORY
- JETSTREAM_MAX_STORAGE
- ACK_WAIT
- PRIORITY_REQUEST_SUBJECT
- PRIORITY_RESULT_SUBJECT
{{- end -}}
