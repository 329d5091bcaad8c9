#!/usr/bin/env bash
# Seven modules of the Open University Learning Analytics Dataset as seven partner colleges on this machine.
#
#   examples/oulad.sh DATA [WORK]
#
# DATA is the folder that holds the dataset's studentInfo.csv; WORK is a new folder for the parties' homes.
# Everything is done by the shipped verbs, one after the other, so that you can read how a coalition starts.
# Data: Kuzilek J., Hlosta M., Zdrahal Z., Open University Learning Analytics dataset, Scientific Data
# 4:170171 (2017), doi:10.1038/sdata.2017.171, CC BY 4.0.
set -euo pipefail

data="${1:?name the folder that holds studentInfo.csv}"
work="${2:-./oulad-demo}"
here="$(cd "$(dirname "$0")" && pwd)"
sumac="${SUMAC:-cargo run --quiet --release --manifest-path $here/../Cargo.toml --}"
modules=(aaa bbb ccc ddd eee fff ggg)

[ -f "$data/studentInfo.csv" ] || { echo "no studentInfo.csv in $data" >&2; exit 1; }
mkdir "$work"
umask 077
head -c 24 /dev/urandom | base64 >"$work/passphrase"
export SUMAC_PASSPHRASE_FILE="$work/passphrase"

echo "1. Each party makes its root, and the agreement pins its fingerprint"
mou="$work/mou"
mkdir -p "$mou/parties"
cp "$here/mou/oulad/mou.toml" "$mou/mou.toml"
pin() { # party, name, number of its placeholder
    local fingerprint
    fingerprint="$($sumac init "$1" --name "$2" --home "$work/$1" --listen "127.0.0.1:744${3#0}" 2>/dev/null)"
    cp "$work/$1/root/root.pem" "$mou/parties/$1.pem"
    sed -i "s/sha256:a*$3\"/$fingerprint\"/" "$mou/mou.toml"
}
number=1
for module in "${modules[@]}"; do
    pin "module-$module" "Module ${module^^}" "0$number"
    number=$((number + 1))
done
pin open-university "The Open University" 08
$sumac certificate issue analyst --name ana --home "$work/open-university" 2>/dev/null

echo "2. Everybody signs the same bytes"
for home in "$work"/module-* "$work/open-university"; do
    $sumac mou sign "$mou" --home "$home" --yes >/dev/null 2>&1
done
$sumac mou verify "$mou"
for home in "$work"/module-* "$work/open-university"; do
    cp -R "$mou/." "$home/mou/"
done

echo "3. Each college freezes its own rows"
for module in "${modules[@]}"; do
    # CCC began in 2014: it can state the two years together, and has no 2013 to answer for.
    covers=(--covers 2013 --covers 2014)
    [ "$module" = ccc ] && covers=(--covers 2014 --covers 2013/2014)
    $sumac import "$data/studentInfo.csv" --mapping "$here/mappings/oulad.toml" --home "$work/module-$module" \
        --only "code_module=${module^^}" --as-of 2015-07-15 "${covers[@]}" 2>"$work/module-$module/import.txt"
done

echo "4. Seven nodes serve"
nodes=()
trap 'kill "${nodes[@]}" 2>/dev/null || true' EXIT
for module in "${modules[@]}"; do
    $sumac serve --home "$work/module-$module" 2>"$work/module-$module/serve.txt" &
    nodes+=($!)
done
for module in "${modules[@]}"; do
    until grep -q "listening on" "$work/module-$module/serve.txt"; do
        kill -0 "${nodes[@]}" || { cat "$work/module-$module/serve.txt" >&2; exit 1; }
        sleep 0.1
    done
done

echo "5. The backbone asks"
ask() { $sumac ask "$@" --purpose research --home "$work/open-university" 2>/dev/null; }
ask completion_pooled --period 2013/2014
ask completion_pooled --period 2013/2014 --by imd_band
ask completion --period 2013 --by disability
echo "The homes are in $work; start a node with: sumac serve --home $work/module-aaa"
