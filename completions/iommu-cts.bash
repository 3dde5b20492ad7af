# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Completion of iommu-cts for bash 4.4 and newer. Source it, or link to it from ~/.local/share/bash-completion/completions/iommu-cts.
#
# It only looks at words and at names of files, so that it answers at once. runner/tests/test_completion.py compares the words with those
# of the command itself.

# What can follow a command, "." being iommu-cts alone.
declare -gA _iommu_cts_words=(
	[.]="run bench series bisect restore device-test doctor list coverage compare gate hosts lab lava report history bundle verify profiles waive new --help"
	[run]="--host --accel --kernel --modules --select --device --timeout-scale --fail-nth --resume --jobs --max-failures --dry-run --survive-reboots --waivers --profile --help"
	[bench]="--host --kernel --modules --device --add --against --select --boots --all-sizes --time --calibrate --help"
	[restore]="--host --help"
	[device-test]="--host --accel --kernel --modules --json --help"
	[doctor]="--host --accel --kernel --modules --json --help"
	[list]="--select --help"
	[coverage]="--json --markdown --help"
	[profiles]="--markdown --help"
	[compare]="--html --markdown --json --force --fail-on --help"
	[gate]="--baseline --candidate --history --fail-on --waivers --markdown --junit --ktap --kcidb --origin --help"
	[hosts]="--help"
	[series]="--ksrc --revs --host --select --bench --boots --dry-run --resume --help"
	[bisect]="--ksrc --good --bad --test --row --threshold --host --help"
	[lab]="build boot shell prove clean lock --help"
	[lab build]="--ksrc --patch --config --host --help"
	[lab boot]="--host --accel --kernel --modules --help"
	[lab shell]="--host --accel --kernel --modules --help"
	[lab prove]="--untried --list --table --ksrc --jobs --help"
	[lab clean]="--yes --help"
	[lab lock]="--help"
	[lava]="submit wait fetch status --help"
	[lava submit]="--host --kernel --modules --select --device --timeout-scale --waivers --profile --help"
	[lava wait]="--waivers --help"
	[lava fetch]="--waivers --help"
	[lava status]="--help"
	[report]="--html --histogram --waivers --durations --profile --kcidb --origin --help"
	[waive]="--reason --url --expires --owner --kernels --waivers --dry-run --help"
	[bundle]="--output --sign --waivers --profile --help"
	[verify]="--allowed-signers --identity --json --help"
	[history]="import test row flaky --db --since --until --limit --host --kernel --help"
	[history import]="--db --help"
	[history test]="--db --host --kernel --help"
	[history row]="--db --host --kernel --help"
	[history flaky]="--db --last --host --help"
	[new]="--help"
)
_iommu_cts_top=$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")
# Where runs, benches and series are: as lab/places.py says.
_iommu_cts_kept=$_iommu_cts_top/results
if [[ -e $_iommu_cts_top/COMMIT || ! -w $_iommu_cts_kept ]]; then
	_iommu_cts_kept=${XDG_STATE_HOME:-$HOME/.local/state}/iommu-cts
fi

# The last parts of those paths that exist, without the ending $1.
_iommu_cts_names() {
	local ending=$1 path
	shift
	for path; do
		path=${path%/}
		[[ -e $path ]] && path=${path##*/} && echo "${path%"$ending"}"
	done
}

# Paths of tests as far as $1 goes: subjects, then files, then the tests of one file.
_iommu_cts_tests() {
	local suites=$_iommu_cts_top/suites path
	if [[ $1 == */*/* ]]; then
		path=${1%/*}
		sed -nE "s|^CTS_TEST(_F\([^,]+, *\|\()([a-z0-9_]+),.*|$path/\2|p" "$suites/$path.c" 2>/dev/null
		return
	fi
	for path in "$suites"/*/*.c; do
		path=${path#"$suites"/}
		[[ $1 == */* ]] && echo "${path%.c}/" || echo "${path%/*}/"
	done | sort -u
}

# What may stand where the cursor is: the value of the option $1, or, if that is empty, what follows the command $2. $3 is its beginning.
_iommu_cts_candidates() {
	local cache=${IOMMU_CTS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/iommu-cts}
	case ${1:-$2} in
	--host)
		echo local
		[[ $2 != run ]] || echo all
		_iommu_cts_names .toml "$_iommu_cts_top"/lab/hosts/*.toml
		;;
	--accel) printf '%s\n' tcg kvm icount ;;
	--select | --bench | --test) _iommu_cts_tests "$3" ;;
	--device | device-test | doctor) _iommu_cts_names "" /sys/bus/pci/devices/* ;;
	--profile | profiles) _iommu_cts_names .toml "$_iommu_cts_top"/suites/profiles/*.toml ;;
	--resume)
		echo last
		if [[ $2 == series ]]; then
			_iommu_cts_names "" "$_iommu_cts_kept"/series/*/
		else
			_iommu_cts_names "" "${IOMMU_CTS_RUNS:-$_iommu_cts_kept/runs}"/*/
		fi
		;;
	"history import") _iommu_cts_names "" "${IOMMU_CTS_RUNS:-$_iommu_cts_kept/runs}"/*/ ;;
	"history test") _iommu_cts_tests "$3" ;;
	report | coverage | bundle | waive)
		echo last
		_iommu_cts_names "" "${IOMMU_CTS_RUNS:-$_iommu_cts_kept/runs}"/*/
		;;
	--history)
		echo last
		_iommu_cts_names "" "${IOMMU_CTS_RUNS:-$_iommu_cts_kept/runs}"/{*/,history.sqlite}
		;;
	compare | --baseline | --candidate)
		echo last
		_iommu_cts_names "" "$_iommu_cts_kept"/bench/*/ "${IOMMU_CTS_RUNS:-$_iommu_cts_kept/runs}"/*/
		;;
	"lab prove") sed -n 's/^\[\([a-z0-9-]*\)\]$/\1/p' "$_iommu_cts_top"/lab/faults/*.toml ;;
	"lab clean") _iommu_cts_names "" "$cache"/*/ ;;
	new) [[ $3 == */* ]] || _iommu_cts_tests "" ;;
	esac
	[[ $1 ]] || tr ' ' '\n' <<<"${_iommu_cts_words[$2]}"
}

_iommu_cts() {
	local line=${COMP_LINE:0:COMP_POINT} command="" option="" current word head
	local -a words
	# Split at blanks only: COMP_WORDS is cut at the colons of a PCI address too.
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=("")
	current=${words[-1]}
	for word in "${words[@]:1:${#words[@]}-2}"; do
		case $word in
		--yes | --json | --list | --untried | --fail-nth | --force | --all-sizes | --time | --calibrate | --dry-run | --survive-reboots | --help | --*=*) option="" ;;
		--*)
			option=$word
			# There it takes no file: it says how to print.
			[[ $command$word != compare--markdown ]] || option=""
			;;
		*)
			[[ -z $option && -n ${_iommu_cts_words[${command:+$command }$word]} ]] && command+=${command:+ }$word
			# These two take any number of values.
			[[ $option == --patch || $option == --config ]] || option=""
			;;
		esac
	done
	if [[ $current == --*=* ]]; then
		option=${current%%=*}
		current=${current#*=}
	elif [[ $current == -* ]]; then
		option=""
	fi
	COMPREPLY=()
	# Readline replaces what follows the last colon or "=".
	head=${current%"${current##*[:=]}"}
	while IFS= read -r word; do
		[[ $word == "$current"* ]] && COMPREPLY+=("${word#"$head"}")
	done < <(_iommu_cts_candidates "$option" "${command:-.}" "$current")
	case $option in
	--kernel | --against | --modules | --ksrc | --patch | --config | --waivers | --table | --markdown | --junit | --ktap | --kcidb | --html | --host | \
		--db | --output | --sign | --allowed-signers) compopt -o default 2>/dev/null ;;
	esac
	[[ $command != verify ]] || compopt -o default 2>/dev/null
	[[ ${COMPREPLY[0]} == */ ]] && compopt -o nospace 2>/dev/null
	return 0
}
complete -F _iommu_cts iommu-cts
