# bash completion for spoolbox and the tools that it replaces.

_spoolbox() {
    local -a words=("${COMP_WORDS[0]}")
    local program=spoolbox cur prefix='' keep='' word kind
    local -i i
    [[ ${COMP_WORDS[0]##*/} == spoolbox ]] && program=${COMP_WORDS[0]}
    # bash makes three words of --count=from.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ ${words[-1]} == --*= || ($word == = && ${words[-1]} == --*) ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
    done
    cur=${words[-1]}
    if [[ $cur == --*=* ]]; then
        # What precedes the value is no part of the word that bash replaces.
        if [[ $COMP_WORDBREAKS == *=* ]]; then prefix=${cur%%=*}=; else keep=${cur%%=*}=; fi
    fi
    COMPREPLY=()
    while IFS=$'\t' read -r word _; do
        case $word in
        :files | :directories)
            kind=-f
            [[ $word == :directories ]] && kind=-d
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen "$kind" -P "$keep" -- "${cur#--*=}")
            ;;
        *)
            [[ $word == *= ]] && compopt -o nospace 2>/dev/null
            COMPREPLY+=("${word#"$prefix"}")
            ;;
        esac
    done < <(command "$program" completions --words "${words[@]}" 2>/dev/null)
}

complete -F _spoolbox spoolbox mailq postcat postqueue postsuper qshape
