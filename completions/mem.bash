# Made by mem from its own command line: mem completions

# What a command takes: commands, options, options with their values, arguments.
_mem_at() {
    commands='' options='' values='' places=''
    case $1 in
    '')
        commands='remember recall similar inject brief show list why history status edit supersede alias relate pin unpin confirm resolve forget restore undo purge review conflicts sync log doctor ingest watch import export backup init man tour scope config model completions'
        options='--version -h --help'
        ;;
    'remember')
        options='--type --name --alias --no-alias --why --scope --status --confidence --pin --valid-from --valid-until --relation --participant --stability --session --supersede --as --json -h --help'
        values='--type=preference|decision|fact|entity|relation|procedure|event|question --name=@names --alias= --why= --scope=@scopes --status=active|inferred|exploratory --confidence= --valid-from= --valid-until= --relation= --participant=@beliefs --stability= --session= --supersede=@beliefs --as='
        places='-'
        ;;
    'recall')
        options='--scope -k --type --status --since --until --as-of --archived --pending --all --mode --no-abstain --explain --json --jsonl --ids -h --help'
        values='--scope=@scopes -k= --type=preference|decision|fact|entity|relation|procedure|event|question --status=active|inferred|exploratory|superseded|resolved|retracted --since= --until= --as-of= --mode=auto|lexical|hybrid'
        places='-'
        ;;
    'similar')
        options='--scope -k --mode --explain --json --jsonl --ids -h --help'
        values='--scope=@scopes -k= --mode=auto|lexical|hybrid'
        places='@beliefs'
        ;;
    'inject')
        options='--scope --max-beliefs --budget --explain --json -h --help'
        values='--scope=@scopes --max-beliefs= --budget='
        places='-'
        ;;
    'brief')
        options='--scope --budget --json -h --help'
        values='--scope=@scopes --budget='
        ;;
    'show')
        options='--scope --json -h --help'
        values='--scope=@scopes'
        places='@beliefs+'
        ;;
    'list')
        options='--scope --type --status --since --until --as-of --archived --pending --all --json --jsonl --ids -h --help'
        values='--scope=@scopes --type=preference|decision|fact|entity|relation|procedure|event|question --status=active|inferred|exploratory|superseded|resolved|retracted --since= --until= --as-of='
        ;;
    'why')
        options='--scope -n --json -h --help'
        values='--scope=@scopes -n='
        places='@beliefs'
        ;;
    'history')
        options='--scope --json --jsonl -h --help'
        values='--scope=@scopes'
        places='@beliefs'
        ;;
    'status')
        options='--scope --json -h --help'
        values='--scope=@scopes'
        ;;
    'edit')
        options='--type --name --why --move --confidence --valid-from --valid-until --stability --scope -h --help'
        values='--type=preference|decision|fact|entity|relation|procedure|event|question --name=@names --why= --move=@scopes --confidence= --valid-from= --valid-until= --stability= --scope=@scopes'
        places='@beliefs -'
        ;;
    'supersede')
        options='--by --name --type --alias --no-alias --why --scope --json -h --help'
        values='--by=@beliefs --name=@names --type=preference|decision|fact|entity|relation|procedure|event|question --alias= --why= --scope=@scopes'
        places='@beliefs -'
        ;;
    'alias')
        options='--scope --help'
        values='--scope=@scopes'
        places='@beliefs -+'
        ;;
    'relate')
        options='--to --scope --json -h --help'
        values='--to=@scopes --scope=@scopes'
        places='@beliefs - @beliefs'
        ;;
    'pin')
        options='--scope -h --help'
        values='--scope=@scopes'
        places='@beliefs+'
        ;;
    'unpin')
        options='--scope -h --help'
        values='--scope=@scopes'
        places='@beliefs+'
        ;;
    'confirm')
        options='--query --learn --no-learn --scope -h --help'
        values='--query= --scope=@scopes'
        places='@beliefs+'
        ;;
    'resolve')
        options='--scope -h --help'
        values='--scope=@scopes'
        places='@beliefs+'
        ;;
    'forget')
        options='--scope -h --help'
        values='--scope=@scopes'
        places='@beliefs+'
        ;;
    'restore')
        options='--scope -h --help'
        values='--scope=@scopes'
        places='@retired+'
        ;;
    'undo')
        options='--dry-run --yes -y -h --help'
        places='-'
        ;;
    'purge')
        options='--confirm --dry-run --scope -h --help'
        values='--confirm=@beliefs --scope=@scopes'
        places='@beliefs'
        ;;
    'review')
        options='--approve --reject --all --scope --json --jsonl --ids -h --help'
        values='--approve=@pending --reject=@pending --scope=@scopes'
        ;;
    'conflicts')
        options='--keep --both --scope --json -h --help'
        values='--keep=@beliefs --both=@beliefs --scope=@scopes'
        ;;
    'sync')
        options='--accept-moves --accept-deletions --accept-branch --pull --push --dry-run --json -h --help'
        ;;
    'log')
        options='--scope -n --json --jsonl -h --help'
        values='--scope=@scopes -n='
        ;;
    'doctor')
        options='--verify-ranking --repair --rebuild --from --json -h --help'
        values='--rebuild=db|tree --from=@files'
        ;;
    'ingest')
        options='--scope --dry-run --json -h --help'
        values='--scope=@scopes'
        places='-+'
        ;;
    'watch')
        options='--scope --include --exclude --once -h --help'
        values='--scope=@scopes --include= --exclude='
        places='-+'
        ;;
    'import')
        options='--format --approve --strict --dry-run --json -h --help'
        values='--format=auto|jsonl'
        places='@files'
        ;;
    'export')
        options='--scope --type --status --since --until --as-of --archived --pending --all --format --json --jsonl --ids -h --help'
        values='--scope=@scopes --type=preference|decision|fact|entity|relation|procedure|event|question --status=active|inferred|exploratory|superseded|resolved|retracted --since= --until= --as-of= --format=jsonl'
        ;;
    'backup')
        options='-h --help'
        places='@files'
        ;;
    'init')
        options='-h --help'
        ;;
    'man')
        options='-h --help'
        places='mem|find|correct|review|exchange|setup|page|record|config|remember|recall|similar|inject|brief|show|list|why|history|status|edit|supersede|alias|relate|pin|unpin|confirm|resolve|forget|restore|undo|purge|conflicts|sync|log|doctor|ingest|watch|import|export|backup|init|man|tour|scope|model|completions+'
        ;;
    'tour')
        options='-h --help'
        ;;
    'scope')
        commands='add list map'
        options='--scope --json -h --help'
        values='--scope=@scopes'
        ;;
    'scope add')
        options='-h --help'
        places='@scopes'
        ;;
    'scope list')
        options='--json -h --help'
        ;;
    'scope map')
        options='--remove -h --help'
        places='@directories @scopes'
        ;;
    'config')
        commands='list get set unset path'
        options='-h --help'
        ;;
    'config list')
        options='--json -h --help'
        ;;
    'config get')
        options='-h --help'
        places='recall.k|inject.budget|inject.max_beliefs|words.language|model.name|model.seconds|receipts.days|receipts.prompts|git.commit|git.addresses|show.pager|stability.event|stability.question|stability.fact|stability.procedure|stability.entity|stability.relation|stability.preference|stability.decision|forgetting.dormant'
        ;;
    'config set')
        options='-h --help'
        places='recall.k|inject.budget|inject.max_beliefs|words.language|model.name|model.seconds|receipts.days|receipts.prompts|git.commit|git.addresses|show.pager|stability.event|stability.question|stability.fact|stability.procedure|stability.entity|stability.relation|stability.preference|stability.decision|forgetting.dormant -'
        ;;
    'config unset')
        options='-h --help'
        places='recall.k|inject.budget|inject.max_beliefs|words.language|model.name|model.seconds|receipts.days|receipts.prompts|git.commit|git.addresses|show.pager|stability.event|stability.question|stability.fact|stability.procedure|stability.entity|stability.relation|stability.preference|stability.decision|forgetting.dormant'
        ;;
    'config path')
        options='-h --help'
        ;;
    'model')
        commands='list use install pull remove check'
        options='--json -h --help'
        ;;
    'model list')
        options='--json -h --help'
        ;;
    'model use')
        options='-h --help'
        places='@models'
        ;;
    'model install')
        options='--name -h --help'
        values='--name='
        places='@directories'
        ;;
    'model pull')
        options='--url --sha256 -h --help'
        values='--url= --sha256='
        places='-'
        ;;
    'model remove')
        options='-h --help'
        places='@models'
        ;;
    'model check')
        options='--json -h --help'
        places='@models'
        ;;
    'completions')
        commands='install uninstall show'
        options='-h --help'
        ;;
    'completions install')
        options='--dry-run -h --help'
        places='bash|zsh|fish'
        ;;
    'completions uninstall')
        options='--dry-run -h --help'
        places='bash|zsh|fish'
        ;;
    'completions show')
        options='-h --help'
        places='bash|zsh|fish'
        ;;
    esac
}

_mem() {
    local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT} path='' slot='' ended='' lead='' current word i used=0
    local commands options values places
    local -a words scopes
    words=() scopes=() COMPREPLY=()
    # The words as they were typed: bash breaks them at the colon of a scope, and at an equals sign.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        if ((i == 0)) || [[ $line == [[:blank:]]* ]]; then
            line=${line#"${line%%[![:blank:]]*}"}
            words[${#words[@]}]=''
        fi
        word=${COMP_WORDS[i]}
        if ((i == COMP_CWORD)); then word=$line; fi
        words[${#words[@]} - 1]+=$word
        line=${line#"$word"}
    done
    current=${words[${#words[@]} - 1]}
    _mem_at ''
    for ((i = 1; i < ${#words[@]} - 1; i++)); do
        word=${words[i]//[\"\'\\]/}
        if [[ $slot ]]; then
            if [[ $slot == --scope=* ]]; then scopes+=(--scope "$word"); fi
            slot=
        elif [[ ! $ended && $word == -- ]]; then
            ended=1
        elif [[ ! $ended && $word == --scope=* ]]; then
            scopes+=(--scope "${word#*=}")
        elif [[ ! $ended && $word == -?* ]]; then
            _mem_value "$word"
        elif ((used == 0)) && [[ " $commands " == *" $word "* ]]; then
            path=${path:+$path }$word
            _mem_at "$path"
        else
            used=$((used + 1))
        fi
    done
    if [[ $slot ]]; then
        _mem_offer "${slot#*=}"
    elif [[ ! $ended && $current == --*=* ]]; then
        _mem_value "${current%%=*}"
        if [[ $COMP_WORDBREAKS != *=* ]]; then lead=${current%%=*}=; fi
        current=${current#*=}
        _mem_offer "${slot#*=}"
    elif [[ ! $ended && $current == -* ]]; then
        _mem_offer "${options// /|}"
    else
        if ((used == 0)); then _mem_offer "${commands// /|}"; fi
        _mem_place $places
        _mem_offer "$slot"
    fi
}

# What the value of an option may be, with the option; nothing if it takes none.
_mem_value() {
    local one
    slot=
    for one in $values; do
        if [[ $one == "$1="* ]]; then slot=$one; fi
    done
}

# What the next argument may be; one with a plus sign repeats.
_mem_place() {
    local one left=$used
    slot=
    for one in "$@"; do
        if ((left == 0)) || [[ $one == *+ ]]; then
            slot=${one%+}
            return
        fi
        left=$((left - 1))
    done
}

_mem_offer() {
    local typed=${current//[\"\'\\]/} quote='' prefix='' lines mark one unsafe='*[!A-Za-z0-9 _.:/+@,-]*'
    case $current in [\"\']*) quote=1 ;; esac
    if [[ ! $quote ]]; then
        for mark in : =; do # what readline takes for a word of its own, and will not replace
            if [[ $COMP_WORDBREAKS == *$mark* && $typed == *$mark* ]]; then
                one=${typed%"${typed##*$mark}"}
                if ((${#one} > ${#prefix})); then prefix=$one; fi
            fi
        done
    fi
    case $1 in
    '' | -) return ;;
    @files | @directories)
        compopt -o filenames 2>/dev/null
        mark=-f
        if [[ $1 == @directories ]]; then mark=-d; fi
        lines=$(compgen "$mark" -- "$typed") || :
        ;;
    @*) lines=$(command mem --complete "${1#@}" "$typed" ${scopes[@]+"${scopes[@]}"} 2>/dev/null </dev/null) || : ;;
    *) lines=${1//|/$'\n'} ;;
    esac
    while IFS= read -r one; do
        one=${one%%$'\t'*}
        if [[ -z $one || $one != "$typed"* ]]; then continue; fi
        if [[ $quote && $one == $unsafe ]]; then continue; fi # it would mean something within the quotes
        one=${one#"$prefix"}
        if [[ ! $quote && $1 != @files && $1 != @directories ]]; then printf -v one %q "$one"; fi
        COMPREPLY[${#COMPREPLY[@]}]=$lead$one
    done <<<"$lines"
}

complete -F _mem mem
