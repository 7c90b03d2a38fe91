#!/bin/sh
# From nothing to a platform that runs on minikube: cluster, KEDA, NATS, Valkey, our image, our chart.
#
#   helm/minikube-up.sh          4 CPUs and 10 GB
#     --small                    2 CPUs and 6 GB, for laptops: NATS with less memory
#     --demo                     what shows scaling best: quick to wake, quick to sleep (values-demo.yaml)
#     --monitoring               Prometheus and Grafana with our dashboard and alerts
#     --hosts                    write the two host names to /etc/hosts (asks sudo)
#     --dry-run                  print every command, run none
#
# Run it again after a change: what is there stays, passwords as well; what changed is brought up to date.
# MINIKUBE_PROFILE names another cluster than `minikube`. HF_API_TOKEN, if set, goes into a Secret.

set -eu
cd "$(dirname "$0")/.."
. helm/minikube-common.sh

# The charts of others, as in helm/infra/.
KEDA_REPOSITORY=https://kedacore.github.io/charts
KEDA_VERSION=2.20.2
NATS_REPOSITORY=https://nats-io.github.io/k8s/helm/charts/
NATS_VERSION=2.14.2
VALKEY_REPOSITORY=https://valkey.io/valkey-helm/
VALKEY_VERSION=0.11.0
PROMETHEUS_REPOSITORY=https://prometheus-community.github.io/helm-charts
PROMETHEUS_VERSION=88.5.3

IMAGE=meme-generator:latest
PATIENCE=10m # for one chart; the first time, images have to come

cpus=4 memory=10g small='' demo='' monitoring='' hosts=''
for option in "$@"; do
    case $option in
    --small) small=yes cpus=2 memory=6g ;;
    --demo) demo=yes ;;
    --monitoring) monitoring=yes ;;
    --hosts) hosts=yes ;;
    --dry-run) dry_run=yes ;;
    -h | --help) help_of "helm/${0##*/}" && exit ;;
    *) unknown_option "$0" "$option" ;;
    esac
done

# Our own command line makes the Secrets: that of the checkout, or one on PATH.
find_memebattle() {
    memebattle=.venv/bin/memebattle
    [ -x "$memebattle" ] || memebattle=memebattle
    command -v "$memebattle" >/dev/null || [ -n "$dry_run" ] ||
        fail "there is no memebattle" "it makes the passwords of NATS" "make setup"
}

start_cluster() {
    step "cluster $PROFILE: $cpus CPUs, $memory"
    run minikube start --profile "$PROFILE" --cpus "$cpus" --memory "$memory"
    for addon in ingress metrics-server; do
        run minikube addons enable "$addon" --profile "$PROFILE"
    done
}

make_namespaces() {
    step "namespaces"
    for namespace in messaging cache keda "$APPLICATION" ${monitoring:+monitoring}; do
        if there kube get namespace "$namespace"; then
            note "$namespace is there"
        else
            run_kube create namespace "$namespace"
        fi
    done
    # the application keeps to Kubernetes' strictest profile, and the cluster may well insist on it
    run_kube label namespace "$APPLICATION" --overwrite pod-security.kubernetes.io/enforce=restricted
}

# Both Secrets of NATS hold the same passwords: both stay, or both are made.
make_secrets() {
    step "secrets"
    if there kube get secret nats-auth --namespace messaging &&
        there kube get secret meme-generator-nats --namespace "$APPLICATION"; then
        note "the passwords of NATS stay"
    else
        say "$memebattle k8s secrets --hf-token-env '' | kubectl --context $PROFILE apply --filename -"
        [ -n "$dry_run" ] || "$memebattle" k8s secrets --hf-token-env '' | kube apply --filename -
    fi
    make_provider_secret
}

# From standard input: on a command line everybody could read it.
make_provider_secret() {
    if [ -z "${HF_API_TOKEN:-}" ]; then
        note "HF_API_TOKEN is not set: memes come from the offline artist"
    elif there kube get secret meme-generator-secrets --namespace "$APPLICATION"; then
        note "meme-generator-secrets stays"
    else
        say "kubectl --context $PROFILE create secret generic meme-generator-secrets, with HF_API_TOKEN"
        [ -n "$dry_run" ] || printf 'HF_API_TOKEN=%s\n' "$HF_API_TOKEN" |
            kube create secret generic meme-generator-secrets --namespace "$APPLICATION" \
                --from-env-file /dev/stdin
    fi
}

# chart_of_others RELEASE CHART REPOSITORY VERSION NAMESPACE [more arguments]
chart_of_others() {
    release=$1 chart=$2 repository=$3 version=$4 namespace=$5
    shift 5
    step "$release: chart $chart $version in $namespace"
    run_helm upgrade --install "$release" "$chart" --repo "$repository" --version "$version" \
        --namespace "$namespace" "$@" --wait --timeout "$PATIENCE"
}

install_prometheus() {
    chart_of_others prometheus kube-prometheus-stack "$PROMETHEUS_REPOSITORY" "$PROMETHEUS_VERSION" monitoring \
        --values helm/infra/prometheus.yaml
}

install_keda() {
    set -- --values helm/infra/keda.yaml
    [ -z "$monitoring" ] || set -- "$@" --set prometheus.operator.podMonitor.enabled=true
    chart_of_others keda keda "$KEDA_REPOSITORY" "$KEDA_VERSION" keda "$@"
}

install_nats() {
    set -- --values helm/infra/nats.yaml
    [ -z "$small" ] || set -- "$@" --values helm/infra/nats-small.yaml
    [ -z "$monitoring" ] ||
        set -- "$@" --set promExporter.enabled=true --set promExporter.podMonitor.enabled=true
    chart_of_others nats nats "$NATS_REPOSITORY" "$NATS_VERSION" messaging "$@"
}

install_valkey() {
    set -- --values helm/infra/valkey.yaml
    [ -z "$monitoring" ] || set -- "$@" --set metrics.podMonitor.enabled=true
    chart_of_others redis valkey "$VALKEY_REPOSITORY" "$VALKEY_VERSION" cache "$@"
}

build_image() {
    step "image $IMAGE"
    run minikube image build --profile "$PROFILE" --tag "$IMAGE" --file Dockerfile .
}

install_application() {
    step "$APPLICATION: our chart"
    before=
    if there helm --kube-context "$PROFILE" status "$APPLICATION" --namespace "$APPLICATION"; then before=yes; fi
    set -- --values helm/memebattle/values-minikube.yaml
    [ -z "$demo" ] || set -- "$@" --values helm/memebattle/values-demo.yaml
    [ -z "$monitoring" ] || set -- "$@" --set metrics.podMonitor.enabled=true \
        --set metrics.prometheusRule.enabled=true --set metrics.dashboard.enabled=true
    run_helm upgrade --install "$APPLICATION" helm/memebattle --namespace "$APPLICATION" "$@" \
        --wait --timeout "$PATIENCE"
    # a new image under the old name changes no manifest, so nobody would start it
    [ -z "$before" ] || run_kube rollout restart deployment --namespace "$APPLICATION" \
        --selector "app.kubernetes.io/instance=$APPLICATION"
}

name_hosts() {
    step "host names"
    # where minikube is a container on a virtual machine, its address is reached through a tunnel
    address=127.0.0.1
    if [ -n "$dry_run" ]; then
        address=IP
    elif [ "$(uname -s)" = Linux ]; then
        address=$(minikube ip --profile "$PROFILE")
    else
        note "keep this running in another terminal: minikube tunnel --profile $PROFILE"
    fi
    entry="$address $SITE $NATS_SITE"
    if [ -n "$hosts" ]; then
        write_hosts "$entry"
    else
        note "$HOSTS_FILE needs this line (--hosts writes it):"
        note "$entry"
    fi
}

say_what_next() {
    step "what next"
    cat <<NEXT
   page       http://$SITE
   replicas   kubectl --context $PROFILE get deployments,hpa --namespace $APPLICATION --watch
   storm      seq 300 | xargs -P 8 -I N curl -s -o /dev/null http://$SITE/api/memes \\
                -H 'Content-Type: application/json' -d '{"prompt": "A cat on Mars, take N"}'
   backlog    $memebattle k8s nats-ui
   logs       kubectl --context $PROFILE logs --namespace $APPLICATION deploy/$APPLICATION --follow
   check      helm --kube-context $PROFILE test $APPLICATION --namespace $APPLICATION
   end        helm/minikube-down.sh
NEXT
    [ -n "$demo" ] || note "           (with --demo, pictures take long enough for a queue)"
    [ -z "$monitoring" ] || cat <<NEXT
   Grafana    kubectl --context $PROFILE port-forward --namespace monitoring service/prometheus-grafana 3000:80
   password   kubectl --context $PROFILE get secret --namespace monitoring prometheus-grafana \\
                -o jsonpath='{.data.admin-password}' | base64 -d
NEXT
}

need minikube kubectl helm
find_memebattle
start_cluster
make_namespaces
make_secrets
# Prometheus first: its kinds have to exist before others ask for them
[ -z "$monitoring" ] || install_prometheus
install_keda
install_nats
install_valkey
build_image
install_application
name_hosts
say_what_next
