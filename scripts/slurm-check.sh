#!/bin/bash
# scripts/slurm-check.sh MODEL: runs scripts/slurm-array.sh for real. A Slurm of its own on this machine (munged, slurmctld
# and slurmd in a scratch directory, on ports and a socket of their own, nothing of the system's configuration touched)
# takes an array of four shards; they are merged and held against the same plan weighed unsharded. All daemons are stopped
# at the end, however it ends. It wants Debian's slurm-wlm, as root or as any user.
set -euo pipefail
cd "$(dirname "$0")/.."

model="$(realpath "${1:?usage: scripts/slurm-check.sh MODEL}")"
root="$(mktemp -d)"
# munged trusts only directories that others cannot write to and can enter.
chmod 755 "$root"
runs="$PWD/weighbridge-runs/slurm"
PATH="$PATH:/usr/sbin:/sbin"
daemons=()

for program in munged mungekey slurmctld slurmd sbatch; do
  if ! command -v "$program" >/dev/null; then
    echo "$program is needed: install Debian's slurm-wlm"
    exit 1
  fi
done

stop() {
  local status=$? pid
  trap - EXIT
  if [ "$status" -ne 0 ]; then tail -n 20 "$root"/*.log "$root"/task-*.out 2>/dev/null || true; fi
  if [ -S "$root/munge.socket" ]; then scancel --quiet --user "$(id -un)" 2>/dev/null || true; fi
  # In the reverse order of their start; each is a child of this shell.
  for ((at = ${#daemons[@]} - 1; at >= 0; at--)); do
    pid="${daemons[$at]}"
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 100); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$root"
  exit "$status"
}
trap stop EXIT
trap 'exit 130' INT TERM HUP

daemon() { # NAME COMMAND…: a child of this shell that writes into NAME.log
  local name="$1"
  shift
  "$@" >"$root/$name.log" 2>&1 </dev/null &
  daemons+=("$!")
}

await() { # SECONDS WHAT COMMAND…
  local seconds="$1" what="$2"
  shift 2
  for _ in $(seq "$((seconds * 5))"); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.2
  done
  echo "waited $seconds s for $what"
  return 1
}

user="$(id -un)"
host="$(hostname -s)"
port=$((20000 + RANDOM % 20000))
export SLURM_CONF="$root/slurm.conf"
mkdir -p "$root/state" "$root/spool"

mungekey --create --keyfile="$root/munge.key"
daemon munged munged --foreground --key-file="$root/munge.key" --socket="$root/munge.socket" \
  --pid-file="$root/munge.pid" --log-file="$root/munge.log" --seed-file="$root/munge.seed"

cat >"$SLURM_CONF" <<CONF
ClusterName=weighbridge
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$root/munge.socket
CredType=cred/munge
StateSaveLocation=$root/state
SlurmdSpoolDir=$root/spool
SlurmctldPidFile=$root/slurmctld.pid
SlurmdPidFile=$root/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=2
SlurmdParameters=config_overrides
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=check Nodes=$host Default=YES MaxTime=30 State=UP
CONF

await 10 'munged' test -S "$root/munge.socket"
daemon slurmctld slurmctld -D
daemon slurmd slurmd -D -N "$host"
idle() { [ "$(sinfo --noheader --format=%T)" = idle ]; }
await 60 'an idle node' idle
sinfo

# What another engine around this script says is not said to the tasks.
unset JOB_COMPLETION_INDEX CI_NODE_INDEX CI_NODE_TOTAL BUILDKITE_PARALLEL_JOB BUILDKITE_PARALLEL_JOB_COUNT
rm -rf "$runs"
mkdir -p "$runs"
export WEIGHBRIDGE="node $PWD/dist/src/cli.js" MODEL="$model" OUT="$runs"
export OPTIONS='--loader read,mmap-shared --state cold,warm --memory-state as-is --processes 1,2 --threads 1 --rounds 2 --prompt 4 --generate 3'

echo 'sbatch scripts/slurm-array.sh'
timeout 900 sbatch --wait --output="$root/task-%a.out" scripts/slurm-array.sh
read -r -a weighbridge <<<"$WEIGHBRIDGE"
read -r -a options <<<"$OPTIONS"
"${weighbridge[@]}" merge "$runs"/shard-* --out "$runs/merged" >"$root/merge.log"
head -n 1 "$root/merge.log"
echo 'the same plan, unsharded'
"${weighbridge[@]}" run "$model" "${options[@]}" --out "$runs/whole" --lock-wait 600 >"$root/whole.log" 2>&1
node scripts/check-merged.mjs "$runs/merged" "$runs/whole"
