#!/bin/bash
#SBATCH --job-name=weighbridge
#SBATCH --array=1-4
#SBATCH --nodes=1
#SBATCH --exclusive
#SBATCH --requeue
#SBATCH --output=weighbridge-%A_%a.log
#
# A run of weighbridge as a Slurm array: each task weighs one shard of the plan, on a node that it has for itself.
#
#   MODEL=/data/model.gguf OUT=$PWD/weighbridge-runs/cluster sbatch scripts/slurm-array.sh
#   weighbridge merge "$OUT"/shard-* --out "$OUT"       # when all tasks have ended well
#
# MODEL        GGUF files, at the same path on every node; several stand between spaces
# OUT          directory that every node writes to; each task makes shard-1, shard-2 … in it
# OPTIONS      of weighbridge run: '--loader all --rounds 6'
# WEIGHBRIDGE  the command, 'npx weighbridge' unless it is set
# SHARDS       how many there are, where the array is not all of them: SHARDS=4 sbatch --array=3 weighs the third again
#
# The number of shards is that of the array: sbatch --array=1-8. Each shard measures with every CPU of its node unless
# OPTIONS names --threads; nodes that are not alike give a ledger each, for merge never pools machines.
#
# A run takes a lock on its machine while it measures. --exclusive lets no two tasks share a node; where a site forbids
# it, sbatch --array=1-4%1 runs them one after the other, and --lock-wait below lets those on one node wait.
#
# A task that is started again (requeue, or scontrol requeue JOB_TASK) goes on where its ledger ends. It refuses to on a
# machine that is not like the first: remove its directory then.
set -euo pipefail

: "${MODEL:?set MODEL to one or more GGUF files}"
: "${OUT:?set OUT to a directory that every node can write to}"
read -r -a weighbridge <<<"${WEIGHBRIDGE:-npx weighbridge}"
read -r -a models <<<"$MODEL"
read -r -a options <<<"${OPTIONS:-}"

shard="$OUT/shard-$SLURM_ARRAY_TASK_ID"
if [ -s "$shard/ledger.jsonl" ]; then
  exec "${weighbridge[@]}" run --resume "$shard" --lock-wait 86400
fi
mkdir -p "$OUT"
split=auto
if [ -n "${SHARDS:-}" ]; then split="$SLURM_ARRAY_TASK_ID/$SHARDS"; fi
exec "${weighbridge[@]}" run "${models[@]}" "${options[@]}" --shard "$split" --out "$shard" --lock-wait 86400
