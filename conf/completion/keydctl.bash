# Completion of keydctl's command line, for bash. tests/docs compares the lists
# here with the program's own.
# shellcheck shell=bash

_keydctl_verbs='import generate csr restore shell remove list show status
	enable disable check reload help'
_keydctl_options='-c --json --help --version'
_keydctl_uses='tls-server tls-client tls-dhe tls-rsa-kx csr sign decrypt'
_keydctl_types='rsa:2048 rsa:3072 rsa:4096 rsa:8192
	rsa-pss:2048 rsa-pss:3072 rsa-pss:4096 rsa-pss:8192
	ec:P-256 ec:P-384 ec:P-521 ec:P-224 ec:secp256k1
	ec:brainpoolP224r1 ec:brainpoolP224t1 ec:brainpoolP256r1
	ec:brainpoolP256t1 ec:brainpoolP320r1 ec:brainpoolP320t1
	ec:brainpoolP384r1 ec:brainpoolP384t1 ec:brainpoolP512r1
	ec:brainpoolP512t1 ed25519 ed448 x25519 x448'

# A verb's options.
_keydctl_verb_options() {
	case $1 in
	import) echo '--allow --use --certificate --name --passin --weak-keys
		--force --all-links --dry-run --offline' ;;
	generate) echo '--type --allow --use --shell --offline' ;;
	csr) echo '--subject --san --out' ;;
	restore | remove) echo '--yes --offline' ;;
	shell) echo '--out' ;;
	enable) echo '--openssl-cnf --module --service --root --dry-run' ;;
	disable) echo '--openssl-cnf --service --root --dry-run
		--yes' ;;
	check) echo '--as --pid --service' ;;
	esac
	echo '--json --help'
}

# Names of keys: those of their policies, which all may read; keydctl list
# would start a process for each key. The configuration says where they are.
_keydctl_keys() {
	local folder=/etc/openssl-keyd/keys.d line file name
	local config=${1:-@sysconfdir@/openssl-keyd/keyd.conf}
	if [[ -r $config && -f $config ]]; then
		while IFS= read -r line; do
			[[ $line =~ ^[[:blank:]]*policies[[:blank:]]*=[[:blank:]]*(.*[^[:blank:]]) ]] || continue
			folder=${BASH_REMATCH[1]}
		done <"$config"
		[[ $folder == /* ]] || folder=$(dirname -- "$config")/$folder
	fi
	for file in "$folder"/*.conf; do
		name=${file##*/}
		[[ -e $file ]] && printf '%s\n' "${name%.conf}"
	done
}

# Services of systemd, by their files.
_keydctl_units() {
	local file
	for file in /etc/systemd/system/*.service \
		/usr/lib/systemd/system/*.service; do
		[[ -e $file ]] && printf '%s\n' "${file##*/}"
	done
}

_keydctl_pids() {
	local folder
	for folder in /proc/[0-9]*; do
		printf '%s\n' "${folder##*/}"
	done
}

# Who may use a key: a user, or one of the other forms.
_keydctl_who() {
	case $1 in
	group:*) compgen -P group: -g -- "${1#group:}" ;;
	unit:*) compgen -P unit: -W "$(_keydctl_units)" -- "${1#unit:}" ;;
	*) compgen -u -W 'uid: gid: group: unit:' -- "$1" ;;
	esac
}

# Where a passphrase comes from.
_keydctl_passin() {
	case $1 in
	file:*) compgen -P file: -f -- "${1#file:}" ;;
	env:*) compgen -P env: -v -- "${1#env:}" ;;
	*) compgen -W 'pass: env: file: fd: stdin' -- "$1" ;;
	esac
}

# What can stand behind an option: fills COMPREPLY. 1: it takes nothing.
_keydctl_argument() {
	local option=$1 word=$2
	local before=${word%"${word##*,}"} # of a list
	case $option in
	--allow) mapfile -t COMPREPLY < <(_keydctl_who "${word##*,}") ;;
	--use) mapfile -t COMPREPLY < <(compgen -W "$_keydctl_uses" -- "${word##*,}") ;;
	--type) mapfile -t COMPREPLY < <(compgen -W "$_keydctl_types" -- "$word") ;;
	--passin) mapfile -t COMPREPLY < <(_keydctl_passin "$word") ;;
	--as) mapfile -t COMPREPLY < <(compgen -u -- "$word") ;;
	--pid) mapfile -t COMPREPLY < <(compgen -W "$(_keydctl_pids)" -- "$word") ;;
	--service) mapfile -t COMPREPLY < <(compgen -W "$(_keydctl_units)" -- "$word") ;;
	--root) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
	--certificate | --shell | --out | --openssl-cnf | --module | -c)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		;;
	--subject | --san | --name) ;;
	*) return 1 ;;
	esac
	case $option in
	--allow | --use) COMPREPLY=("${COMPREPLY[@]/#/$before}") ;;
	--root | --certificate | --shell | --out | --openssl-cnf | --module | -c)
		compopt -o filenames 2>/dev/null
		;;
	esac
	return 0
}

# What can stand elsewhere, behind a verb.
_keydctl_operand() {
	local verb=$1 word=$2 config=$3
	case $verb in
	import)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		compopt -o filenames 2>/dev/null
		;;
	csr | restore | shell | remove | show)
		mapfile -t COMPREPLY < <(compgen -W "$(_keydctl_keys "$config")" -- "$word")
		;;
	esac
}

_keydctl() {
	# Words as keydctl gets them: bash cuts them at : and = as well.
	local line=${COMP_LINE:0:COMP_POINT} words word last='' verb='' config=''
	local i cut
	read -ra words <<<"$line"
	[[ $line == *[[:blank:]] ]] && words+=('')
	word=${words[-1]}
	COMPREPLY=()
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		last=${words[i]}
		[[ ${words[i - 1]} == -c && -z $verb ]] && config=$last
		[[ -z $verb && $last != -* && ${words[i - 1]} != -c ]] && verb=$last
	done
	cut=${word%"${word##*[:=]}"}
	if [[ $word == --*=* ]]; then
		last=${word%%=*}
		cut=${cut#"$last="}
		word=${word#*=}
	fi
	if ! _keydctl_argument "$last" "$word"; then
		if [[ -z $verb ]]; then
			mapfile -t COMPREPLY < <(compgen \
				-W "$_keydctl_verbs $_keydctl_options" -- "$word")
		elif [[ $word == -* ]]; then
			mapfile -t COMPREPLY < <(compgen \
				-W "$(_keydctl_verb_options "$verb")" -- "$word")
		else
			_keydctl_operand "$verb" "$word" "$config"
		fi
	fi
	# What stands before the last : is no part of what bash replaces.
	if [[ $COMP_WORDBREAKS == *:* && -n $cut ]]; then
		COMPREPLY=("${COMPREPLY[@]#"$cut"}")
	fi
}

complete -F _keydctl keydctl
