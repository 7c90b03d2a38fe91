# Shared by minikube-up.sh and minikube-down.sh, which read it with `.`; POSIX sh, nothing runs by itself.
# shellcheck shell=sh
# shellcheck disable=SC2034 # what is not used here is used there

# The names and namespaces of the documents.
PROFILE=${MINIKUBE_PROFILE:-minikube} # minikube's own variable; also the name of the kubectl context
HOSTS_FILE=${HOSTS_FILE:-/etc/hosts}
APPLICATION=meme-generator
SITE=meme-generator.local
NATS_SITE=nats.meme-generator.local

dry_run=

step() { printf '\n== %s\n' "$*"; }
note() { printf '   %s\n' "$*"; }
fail() {
    printf 'error: %s\n  why: %s\n  try: %s\n' "$1" "$2" "$3" >&2
    exit "${4:-1}"
}

# The comment at the head of the script is its help.
help_of() { sed -n '2,/^$/s/^# \{0,1\}//p' "$1"; }

unknown_option() { fail "unknown option $2" "it is none of those that $1 --help lists" "$1 --help" 2; }

# What is about to be done, in words that could be typed.
say() { printf '   $ %s\n' "$*"; }

# A command as it could be typed. No word of ours contains a single quote.
shown() {
    line=
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9_./:=,@%+-]*) line="$line '$word'" ;;
        *) line="$line $word" ;;
        esac
    done
    say "${line# }"
}

# Says what it runs; with --dry-run it only says it.
run() {
    shown "$@"
    [ -n "$dry_run" ] || "$@"
}

# A question to the cluster; with --dry-run nobody is asked, and nothing is there.
there() { [ -z "$dry_run" ] && "$@" >/dev/null 2>&1; }

# Never the context that happens to be current: that may be somebody's production.
kube() { kubectl --context "$PROFILE" "$@"; }
run_kube() { run kubectl --context "$PROFILE" "$@"; }
run_helm() { run helm --kube-context "$PROFILE" "$@"; }

need() {
    for program in "$@"; do
        command -v "$program" >/dev/null || [ -n "$dry_run" ] || fail "there is no $program on PATH" \
            "this script is a row of calls of $*" "$(where_is "$program")"
    done
}

where_is() {
    case $1 in
    minikube) echo "https://minikube.sigs.k8s.io/docs/start/" ;;
    kubectl) echo "https://kubernetes.io/docs/tasks/tools/" ;;
    helm) echo "https://helm.sh/docs/intro/install/" ;;
    esac
}

# The hosts file with our line, or without one when there is none to write; sudo only where it must be.
write_hosts() {
    wanted=$1
    if [ -n "$wanted" ] && grep -qxF "$wanted" "$HOSTS_FILE"; then
        note "$HOSTS_FILE has it already: $wanted"
        return
    fi
    say "edit $HOSTS_FILE: ${wanted:-no $SITE}"
    [ -z "$dry_run" ] || return 0
    draft=$(mktemp)
    grep -vF " $SITE $NATS_SITE" "$HOSTS_FILE" >"$draft" || true
    [ -z "$wanted" ] || echo "$wanted" >>"$draft"
    if [ -w "$HOSTS_FILE" ]; then cp "$draft" "$HOSTS_FILE"; else sudo cp "$draft" "$HOSTS_FILE"; fi
    rm -f "$draft"
}
