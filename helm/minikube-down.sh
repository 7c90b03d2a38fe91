#!/bin/sh
# The way back from minikube-up.sh.
#
#   helm/minikube-down.sh        stop the cluster; minikube-up.sh starts it again with all that it holds
#     --application              remove only our chart; the cluster runs on, with NATS and its streams
#     --delete                   delete the cluster and everything in it
#     --hosts                    take the host names out of /etc/hosts as well (asks sudo)
#     --dry-run                  print every command, run none

set -eu
cd "$(dirname "$0")/.."
. helm/minikube-common.sh

what=stop hosts=''
for option in "$@"; do
    case $option in
    --application) what=application ;;
    --delete) what=delete ;;
    --hosts) hosts=yes ;;
    --dry-run) dry_run=yes ;;
    -h | --help) help_of "helm/${0##*/}" && exit ;;
    *) unknown_option "$0" "$option" ;;
    esac
done

remove_application() {
    need kubectl helm
    step "remove $APPLICATION"
    run_helm uninstall "$APPLICATION" --namespace "$APPLICATION" --ignore-not-found --wait
    note "Secrets and streams are still there"
}

stop_cluster() {
    need minikube
    step "$what cluster $PROFILE"
    run minikube "$what" --profile "$PROFILE"
}

if [ "$what" = application ]; then remove_application; else stop_cluster; fi
if [ -n "$hosts" ]; then
    step "host names"
    write_hosts ""
fi
