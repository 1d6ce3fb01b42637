#!/usr/bin/env bash
# A real Active Directory domain controller for one test run, in namespaces of its own: nothing of the host is changed.
#   unshare -n -u -m bash tests/samba/controller.sh COMMAND …      runs COMMAND inside, beside the controller
# Needs root and the Debian packages of tests/run.sh. COMMAND finds in its environment
#   SAMBA_DIR   a folder with ca.pem (the house's own CA), fremd.pem (another CA) and the pipe `hand` (see below)
# and may write to SAMBA_DIR/hand: `stop` ends the controller, `start` begins it again; the answer comes in SAMBA_DIR/state.
set -euo pipefail
cd /                                   # without a valid working directory provisioning dies in setsysvolacl

work=$(mktemp -d)
export SAMBA_DIR=$work
ip link set lo up
hostname dc1
# everything Samba would write on the host lies in the scratch folder, in this mount namespace only
mount --make-rprivate /
for place in /var/lib/samba /var/cache/samba /var/log/samba /run/samba /etc/samba; do
  mkdir -p "$place" "$work$place"
  mount --bind "$work$place" "$place"
done
mkdir -p /var/lib/samba/private
# a file of our own over /etc/hosts: both controllers are this machine
printf '127.0.0.1 localhost\n127.0.0.1 dc1.stadt.test dc1\n127.0.0.2 dc2.stadt.test dc2\n' > "$work/hosts"
mount --bind "$work/hosts" /etc/hosts

# --- two CAs: the house's own, and one nobody here trusts
authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$2" \
    -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign' \
    -keyout "$work/$1.key" -out "$work/$1.pem" 2> /dev/null
}
authority ca 'Stadt Test CA'
authority fremd 'Fremde CA'
openssl req -newkey rsa:2048 -nodes -subj '/CN=dc1.stadt.test' -keyout "$work/dc.key" -out "$work/dc.csr" 2> /dev/null
printf 'subjectAltName=DNS:dc1.stadt.test,DNS:dc2.stadt.test\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' > "$work/dc.ext"
openssl x509 -req -in "$work/dc.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 2 -extfile "$work/dc.ext" -out "$work/dc.pem" 2> /dev/null
chmod 600 "$work/dc.key"

samba-tool domain provision --realm=STADT.TEST --domain=STADT --server-role=dc --dns-backend=SAMBA_INTERNAL \
  --adminpass='Passw0rd!Test' --use-rfc2307 --host-name=dc1 --host-ip=127.0.0.1 \
  --option='interfaces=lo' --option='bind interfaces only=yes' --option="tls certfile=$work/dc.pem" \
  --option="tls keyfile=$work/dc.key" --option="tls cafile=$work/ca.pem" > "$work/provision.log" 2>&1 \
  || { tail -20 "$work/provision.log" >&2; exit 1; }

dc=
start() {
  samba -F --no-process-group -M single >> "$work/samba.log" 2>&1 &
  dc=$!
  for _ in $(seq 300); do
    if LDAPTLS_CACERT=$work/ca.pem ldapsearch -x -o nettimeout=1 -H ldaps://dc1.stadt.test -s base -b '' defaultNamingContext 2> /dev/null | grep -q DC=stadt; then
      echo up > "$work/state"
      return
    fi
    sleep 0.1
  done
  tail -20 "$work/samba.log" >&2
  exit 1
}
stop() {
  kill "$dc" 2> /dev/null || true
  wait "$dc" 2> /dev/null || true
  echo down > "$work/state"
}
command_pid=
cleanup() {
  [ -z "$command_pid" ] || kill "$command_pid" 2> /dev/null || true
  stop
  # the mounts end with the namespace; only the scratch folder is left
  rm -rf "$work" 2> /dev/null || true
}
trap cleanup EXIT

samba-tool domain passwordsettings set --complexity=off --min-pwd-length=4 --min-pwd-age=0 --account-lockout-threshold=3 --account-lockout-duration=30 > /dev/null
mkfifo "$work/hand"
start
"$@" &
command_pid=$!
# orders of the command, until it has ended; the pipe is kept open so that a reader never sees its end
exec 9<> "$work/hand"
while kill -0 "$command_pid" 2> /dev/null; do
  if read -r -t 0.2 order <&9; then
    case $order in start) start ;; stop) stop ;; esac
  fi
done
ended=0
wait "$command_pid" || ended=$?
command_pid=
exit "$ended"
