# Made by mem from its own command line: mem completions

set -g __mem_commands ' remember' ' recall' ' inject' ' show' ' list' ' forget' ' undo' ' alias' ' review' ' init' ' import' ' export' ' doctor' ' tour' ' man' ' scope' ' completions' 'scope add' 'scope list' 'scope map' 'completions install' 'completions uninstall' 'completions show'
set -g __mem_values 'remember --type' 'remember --name' 'remember --alias' 'remember --why' 'remember --scope' 'remember --status' 'remember --confidence' 'remember --valid-from' 'remember --valid-until' 'remember --relation' 'remember --participant' 'remember --stability' 'remember --session' 'remember --supersede' 'remember --as' 'recall --scope' 'recall -k' 'recall --mode' 'inject --scope' 'inject --max-beliefs' 'inject --budget' 'show --scope' 'list --scope' 'list --type' 'list --status' 'forget --scope' 'alias --scope' 'review --approve' 'review --reject' 'review --scope' 'import --format' 'export --scope' 'export --format' 'scope --scope'

# True in this command, and if a place is given, where that argument is next; one with a plus sign repeats.
function __mem_at --argument-names path place
    set -l words (commandline -opc)
    set -l here ''
    set -l used 0
    set -l value 0
    for word in $words[2..]
        if test $value = 1
            set value 0
        else if contains -- "$here $word" $__mem_values
            set value 1
        else if string match -q -- '-?*' $word
            continue
        else if test $used = 0; and contains -- "$here $word" $__mem_commands
            set here (string trim -- "$here $word")
        else
            set used (math $used + 1)
        end
    end
    test "$here" = "$path"; or return 1
    switch "$place"
        case ''
            return 0
        case '*+'
            test $used -ge (math (string trim -c + -- $place) - 1)
        case '*'
            test $used = (math $place - 1)
    end
end

# What is known only when it is asked for.
function __mem_ask --argument-names kind
    set -l scopes
    set -l before ''
    for word in (commandline -opc)
        if test "$before" = --scope
            set -a scopes --scope $word
        else if string match -q -- '--scope=*' $word
            set -a scopes --scope (string replace -- '--scope=' '' $word)
        end
        set before $word
    end
    set -l typed (commandline -ct)
    set typed (string replace -r -- '^--[^=]*=' '' "$typed")
    set typed (string replace -ra -- '["\'\\\\]' '' "$typed")
    command mem --complete $kind "$typed" $scopes 2>/dev/null </dev/null
end

complete -c mem -f
complete -c mem -n '__mem_at \'\' 1' -a remember -d 'Remember one sentence; the rest is derived and shown.'
complete -c mem -n '__mem_at \'\' 1' -a recall -d 'Search the visible beliefs, best hits first.'
complete -c mem -n '__mem_at \'\' 1' -a inject -d 'Print what an agent should know for a prompt.'
complete -c mem -n '__mem_at \'\' 1' -a show -d 'Show beliefs in full.'
complete -c mem -n '__mem_at \'\' 1' -a list -d 'List the visible beliefs, oldest first.'
complete -c mem -n '__mem_at \'\' 1' -a forget -d 'Take beliefs out of use; undo brings them back.'
complete -c mem -n '__mem_at \'\' 1' -a undo -d 'Undo the latest acts, newest first.'
complete -c mem -n '__mem_at \'\' 1' -a alias -d 'Add and remove aliases; they count at once.'
complete -c mem -n '__mem_at \'\' 1' -a review -d 'List what was proposed; approve or reject it.'
complete -c mem -n '__mem_at \'\' 1' -a init -d 'Make the memory folder, its repository and database.'
complete -c mem -n '__mem_at \'\' 1' -a import -d 'Import beliefs; unapproved, they wait in the inbox.'
complete -c mem -n '__mem_at \'\' 1' -a export -d 'Print every belief as a record, a line each.'
complete -c mem -n '__mem_at \'\' 1' -a doctor -d 'Check that store, tree and postings agree.'
complete -c mem -n '__mem_at \'\' 1' -a tour -d 'See the main job in seconds, in a temporary home.'
complete -c mem -n '__mem_at \'\' 1' -a man -d 'Read the manual: mem, a command, page or config.'
complete -c mem -n '__mem_at \'\' 1' -a scope -d 'Show what is open, what is visible and why.'
complete -c mem -n '__mem_at \'\' 1' -a completions -d 'Show which shells complete commands, options, beliefs and scopes.'
complete -c mem -n '__mem_at \'\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'\'' -l version -d 'Print the version.'
complete -c mem -n '__mem_at \'remember\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'remember\'' -l type -x -a 'preference decision fact entity relation procedure event question' -d 'One of preference, decision, fact, entity, relation, procedure, event, question.'
complete -c mem -n '__mem_at \'remember\'' -l name -x -a '(__mem_ask names)' -d 'Short name; a known one of that scope and type is revised.'
complete -c mem -n '__mem_at \'remember\'' -l alias -x -d 'Another form that should find it; repeatable.'
complete -c mem -n '__mem_at \'remember\'' -l no-alias -d 'Derive no aliases.'
complete -c mem -n '__mem_at \'remember\'' -l why -x -d 'Why it matters, as an instruction.'
complete -c mem -n '__mem_at \'remember\'' -l scope -x -a '(__mem_ask scopes)' -d 'Where it holds; default: the open scope.'
complete -c mem -n '__mem_at \'remember\'' -l status -x -a 'active inferred exploratory' -d 'active, inferred or exploratory.'
complete -c mem -n '__mem_at \'remember\'' -l confidence -x -d 'From 0 to 1; default 0.9.'
complete -c mem -n '__mem_at \'remember\'' -l pin -d 'Inject it whenever its scope is visible.'
complete -c mem -n '__mem_at \'remember\'' -l valid-from -x -d 'When it began to hold.'
complete -c mem -n '__mem_at \'remember\'' -l valid-until -x -d 'When it stops holding.'
complete -c mem -n '__mem_at \'remember\'' -l relation -x -d 'The verb of a relation.'
complete -c mem -n '__mem_at \'remember\'' -l participant -x -a '(__mem_ask beliefs)' -d 'What a relation connects.'
complete -c mem -n '__mem_at \'remember\'' -l stability -x -d 'Days until retention is 0.9; default by type.'
complete -c mem -n '__mem_at \'remember\'' -l session -x -d 'The session it comes from.'
complete -c mem -n '__mem_at \'remember\'' -l supersede -x -a '(__mem_ask beliefs)' -d 'The belief whose place it takes.'
complete -c mem -n '__mem_at \'remember\'' -l as -x -d 'Propose it as an agent.'
complete -c mem -n '__mem_at \'remember\'' -l json -d 'Print one JSON document.'
complete -c mem -n '__mem_at \'recall\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'recall\'' -l scope -x -a '(__mem_ask scopes)' -d 'Scope to open; repeat for several.'
complete -c mem -n '__mem_at \'recall\'' -s k -x -d 'How many hits at most.'
complete -c mem -n '__mem_at \'recall\'' -l mode -x -a 'auto lexical' -d 'How to search; auto uses all there is.'
complete -c mem -n '__mem_at \'recall\'' -l no-abstain -d 'Show the best hits even if none is a good one.'
complete -c mem -n '__mem_at \'recall\'' -l json -d 'Print one JSON document.'
complete -c mem -n '__mem_at \'inject\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'inject\'' -l scope -x -a '(__mem_ask scopes)' -d 'Scope to open; repeat for several.'
complete -c mem -n '__mem_at \'inject\'' -l max-beliefs -x -d 'Pinned and relevant beliefs at most.'
complete -c mem -n '__mem_at \'inject\'' -l budget -x -d 'Tokens for all of it, estimated as characters / 3.'
complete -c mem -n '__mem_at \'inject\'' -l explain -d 'Say what surfaced and how, and why near misses did not.'
complete -c mem -n '__mem_at \'inject\'' -l json -d 'Print one JSON document.'
complete -c mem -n '__mem_at \'show\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'show\'' -l scope -x -a '(__mem_ask scopes)' -d 'Scope to open; repeat for several.'
complete -c mem -n '__mem_at \'show\'' -l json -d 'Print mem.belief/1 records, a line each.'
complete -c mem -n '__mem_at \'show\' 1+' -x -a '(__mem_ask beliefs)'
complete -c mem -n '__mem_at \'list\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'list\'' -l scope -x -a '(__mem_ask scopes)' -d 'Scope to open; repeat for several.'
complete -c mem -n '__mem_at \'list\'' -l type -x -a 'preference decision fact entity relation procedure event question' -d 'Only these types; repeatable.'
complete -c mem -n '__mem_at \'list\'' -l status -x -a 'active inferred exploratory superseded resolved retracted' -d 'Only these statuses; implies --all.'
complete -c mem -n '__mem_at \'list\'' -l pending -d 'What waits for approval.'
complete -c mem -n '__mem_at \'list\'' -l all -d 'Superseded, retracted and archived ones too.'
complete -c mem -n '__mem_at \'list\'' -l json -d 'Print one JSON document.'
complete -c mem -n '__mem_at \'forget\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'forget\'' -l scope -x -a '(__mem_ask scopes)' -d 'Scope to open; repeat for several.'
complete -c mem -n '__mem_at \'forget\' 1+' -x -a '(__mem_ask beliefs)'
complete -c mem -n '__mem_at \'undo\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'undo\'' -l dry-run -d 'Say what would happen, and do nothing.'
complete -c mem -n '__mem_at \'alias\'' -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'alias\'' -l scope -x -a '(__mem_ask scopes)' -d 'Scope to open; repeat for several.'
complete -c mem -n '__mem_at \'alias\' 1' -x -a '(__mem_ask beliefs)'
complete -c mem -n '__mem_at \'review\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'review\'' -l approve -x -a '(__mem_ask pending)' -d 'Approve; repeatable.'
complete -c mem -n '__mem_at \'review\'' -l reject -x -a '(__mem_ask pending)' -d 'Reject; repeatable.'
complete -c mem -n '__mem_at \'review\'' -l all -d 'Approve all that is listed.'
complete -c mem -n '__mem_at \'review\'' -l scope -x -a '(__mem_ask scopes)' -d 'Scope to open; repeat for several.'
complete -c mem -n '__mem_at \'init\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'import\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'import\'' -l format -x -a 'auto jsonl' -d 'Form of the file.'
complete -c mem -n '__mem_at \'import\'' -l approve -d 'Take each record\'s own review state.'
complete -c mem -n '__mem_at \'import\'' -l strict -d 'Import all of it or nothing.'
complete -c mem -n '__mem_at \'import\'' -l dry-run -d 'Say what would happen, and do nothing.'
complete -c mem -n '__mem_at \'import\'' -l json -d 'Print one JSON document.'
complete -c mem -n '__mem_at \'import\' 1' -r -F
complete -c mem -n '__mem_at \'export\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'export\'' -l scope -x -a '(__mem_ask scopes)' -d 'Exactly these scopes; default: all.'
complete -c mem -n '__mem_at \'export\'' -l format -x -a 'jsonl' -d 'Form of the output.'
complete -c mem -n '__mem_at \'doctor\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'doctor\'' -l verify-ranking -d 'Also check our ranking against rank_bm25.'
complete -c mem -n '__mem_at \'doctor\'' -l json -d 'Print one JSON document.'
complete -c mem -n '__mem_at \'tour\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'man\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'man\' 1+' -x -a 'mem find correct review exchange setup page config remember recall inject show list forget undo alias init import export doctor tour man scope completions'
complete -c mem -n '__mem_at \'scope\' 1' -a add -d 'Declare a scope before anything is stored in it.'
complete -c mem -n '__mem_at \'scope\' 1' -a list -d 'List every scope with its number of beliefs, and the mapped directories.'
complete -c mem -n '__mem_at \'scope\' 1' -a map -d 'Open a scope in a directory and everything below it.'
complete -c mem -n '__mem_at \'scope\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'scope\'' -l scope -x -a '(__mem_ask scopes)' -d 'Scope to open; repeat for several.'
complete -c mem -n '__mem_at \'scope\'' -l json -d 'Print one JSON document.'
complete -c mem -n '__mem_at \'scope add\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'scope add\' 1' -x -a '(__mem_ask scopes)'
complete -c mem -n '__mem_at \'scope list\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'scope list\'' -l json -d 'Print one JSON document.'
complete -c mem -n '__mem_at \'scope map\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'scope map\'' -l remove -d 'Take the mapping away.'
complete -c mem -n '__mem_at \'scope map\' 1' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c mem -n '__mem_at \'scope map\' 2' -x -a '(__mem_ask scopes)'
complete -c mem -n '__mem_at \'completions\' 1' -a install -d 'Put the completions where a shell looks for them.'
complete -c mem -n '__mem_at \'completions\' 1' -a uninstall -d 'Take the completions away again.'
complete -c mem -n '__mem_at \'completions\' 1' -a show -d 'Print the completion script of a shell.'
complete -c mem -n '__mem_at \'completions\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'completions install\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'completions install\'' -l dry-run -d 'Say what would happen, and do nothing.'
complete -c mem -n '__mem_at \'completions install\' 1' -x -a 'bash zsh fish'
complete -c mem -n '__mem_at \'completions uninstall\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'completions uninstall\'' -l dry-run -d 'Say what would happen, and do nothing.'
complete -c mem -n '__mem_at \'completions uninstall\' 1' -x -a 'bash zsh fish'
complete -c mem -n '__mem_at \'completions show\'' -s h -l help -d 'Show the options and examples.'
complete -c mem -n '__mem_at \'completions show\' 1' -x -a 'bash zsh fish'
