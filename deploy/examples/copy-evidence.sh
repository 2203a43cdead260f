#!/bin/sh
# Copies an evidence directory that is being written to, without its secrets: copy-evidence.sh FROM TO
# Each copy is a folder of its own in TO and shares unchanged files with the one before. It counts, and TO/last
# leads to it, only if it verifies and still contains everything that the copy before had signed.
set -eu
from=$1 to=$2 name=$(date -u +%Y%m%dT%H%M%SZ)-$$
mkdir -p "$to"
last=$(readlink "$to/last" || true)
for attempt in 1 2 3 4 5 6 7 8 9; do
	# Times are compared to the nanosecond: a file of the same size from the same second may be another.
	# A log that grew meanwhile gives a copy that does not verify; the next pass has little left to do.
	rsync -a --delete --modify-window=-1 --exclude=/keys --exclude=/vault --exclude=/run --exclude=/spool \
		${last:+--link-dest="../$last"} "$from/" "$to/$name/"
	if said=$(vorbehalt evidence verify "$to/$name" ${last:+--against "$to/$last/log/checkpoint"} 2>&1); then
		ln -sfn "$name" "$to/last"
		echo "$to/$name"
		exit 0
	fi
	echo "attempt $attempt does not verify" >&2
done
echo "$said" >&2
echo "$to/last was left as it is; look at $to/$name" >&2
exit 1
