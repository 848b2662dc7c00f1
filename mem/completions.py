"""Completion scripts for bash, zsh and fish, made from the command line itself, and their place on this system.

What never changes (commands, options, choices) is in the script. What does (beliefs, scopes) is asked of
`mem --complete`, which starts without the command-line library and sees what a session would see.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from shlex import quote

from mem.belief import LIVE, STATUSES, TYPES
from mem.config import SETTINGS
from mem.docs import Command, Parameter, every
from mem.errors import Refused, UsageMistake

Words = Mapping[str, str]

SHELLS = ("bash", "zsh", "fish")
MARK = "# Made by mem from its own command line: mem completions"
"""In one of the first two lines of a file that is ours."""
HELP = "Show the options and examples."

PLACES = {
    "ID": "@beliefs",
    "SCOPE": "@scopes",
    "NAME": "@names",
    "FILE": "@files",
    "DIRECTORY": "@directories",
    "TYPE": "|".join(TYPES),
    "STATUS": "|".join(STATUSES),
    "KEY": "|".join(one.key for one in SETTINGS),
    "MODEL": "@models",
}
"""What may stand for a word of a synopsis: `@` and a kind, or words with bars between."""
OF_COMMANDS = {("review", "ID"): "@pending", ("restore", "ID"): "@retired", ("remember", "STATUS"): "|".join(LIVE)}
"""Where a command takes less than others would."""


def script(shell: str, root: Command, topics: Sequence[str]) -> str:
    """The completion script of a shell; `topics` are those of `mem man`."""
    makers = {"bash": _bash, "zsh": _zsh, "fish": _fish}
    return makers[shell](root, {"TOPIC": "|".join(topic for topic in topics if " " not in topic)})


def _place(command: Command, one: Parameter, words: Words) -> str:
    """What may be typed for a parameter; empty for what only the user knows."""
    return (
        "|".join(one.choices)
        or OF_COMMANDS.get((command.path, one.word))
        or PLACES.get(one.word)
        or words.get(one.word, "")
    )


# -- bash -------------------------------------------------------------------------------------------

_BASH = r"""
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
"""


def _bash(root: Command, words: Words) -> str:
    lines = [
        MARK,
        "",
        "# What a command takes: commands, options, options with their values, arguments.",
        "_mem_at() {",
    ]
    lines += ["    commands='' options='' values='' places=''", "    case $1 in"]
    for command in every(root):
        flags = [flag for one in command.options for flag in one.flags]
        values = [f"{flag}={_place(command, one, words)}" for one in command.options if one.word for flag in one.flags]
        places = [(_place(command, one, words) or "-") + "+" * one.many for one in command.arguments]
        lines += [f"    '{command.path}')"]
        lines += [f"        commands='{' '.join(_name(one) for one in command.commands)}'"] if command.commands else []
        lines += [f"        options='{' '.join([*flags, *command.helps])}'"]
        lines += [f"        values='{' '.join(values)}'"] if values else []
        lines += [f"        places='{' '.join(places)}'"] if places else []
        lines += ["        ;;"]
    return "\n".join([*lines, "    esac", "}"]) + "\n" + _BASH


def _name(command: Command) -> str:
    return command.path.rpartition(" ")[2]


# -- zsh --------------------------------------------------------------------------------------------

_ZSH = r"""
# The function of the command that was typed, if there is one.
_mem__within() {
    local name=${1}_${words[1]//-/_}
    (( $+functions[$name] )) && $name
}

# What is known only when it is asked for.
_mem__ask() {
    local -a scopes found
    local line
    local -i i
    for (( i = 1; i < CURRENT; i++ )); do
        case $words[i] in
            (--scope) (( i + 1 < CURRENT )) && scopes+=(--scope "${(Q)words[i+1]}") ;;
            (--scope=*) scopes+=(--scope "${(Q)words[i]#*=}") ;;
        esac
    done
    for line in "${(@f)$(command mem --complete $1 "${(Q)PREFIX}" $scopes 2>/dev/null </dev/null)}"; do
        [[ -n $line ]] && found+=("${${${line%%$'\t'*}//\\/\\\\}//:/\\:}:${line#*$'\t'}")
    done
    _describe -t $1 ${1%s} found
}

if [[ $funcstack[1] == _mem ]]; then
    _mem "$@"
else
    compdef _mem mem
fi
"""


def _zsh(root: Command, words: Words) -> str:
    return "\n".join(["#compdef mem", MARK, *(_zsh_function(command, words) for command in every(root))]) + _ZSH


def _zsh_function(command: Command, words: Words) -> str:
    name = "_".join(["_mem", *command.path.replace("-", "_").split()])
    parts = ["_arguments -S", *(f"'(- *){flag}[{HELP}]'" for flag in command.helps)]
    for one in command.options:
        said = one.help.replace("\\", r"\\").replace("[", r"\[").replace("]", r"\]")
        for flag in one.flags:
            value = f":{_zsh_message(one)}:{_zsh_action(_place(command, one, words))}" if one.word else ""
            joint = ("=" if flag.startswith("--") else "+") if one.word else ""
            parts.append(_quoted(f"{'*' * one.many}{flag}{joint}[{said}]{value}"))
    for number, one in enumerate(command.arguments, 1):
        where = "*" if one.many else str(number)
        parts.append(_quoted(f"{where}:{_zsh_message(one)}:{_zsh_action(_place(command, one, words))}"))
    lines = ["", f"{name}() {{"]
    if command.commands:
        lines += ["    local -a commands=("]
        lines += [f"        {_quoted(f'{_name(one)}:{one.summary}')}" for one in command.commands] + ["    )"]
        parts += [r"'1:command:_describe -t commands command commands'", f"'*::argument: _mem__within {name}'"]
    return "\n".join([*lines, "    " + " \\\n        ".join(parts), "}"])


def _zsh_message(one: Parameter) -> str:
    return one.word.replace(":", r"\:")


def _zsh_action(place: str) -> str:
    known = {"": " ", "@files": "_files", "@directories": "_files -/"}
    return known.get(place) or (f" _mem__ask {place[1:]}" if place[0] == "@" else f"({place.replace('|', ' ')})")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", r"'\''") + "'"


# -- fish -------------------------------------------------------------------------------------------

_FISH = r"""
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
"""


def _fish(root: Command, words: Words) -> str:
    commands = [_fish_quoted(f"{parent.path} {_name(one)}") for parent in every(root) for one in parent.commands]
    valued = [
        _fish_quoted(f"{command.path} {flag}")
        for command in every(root)
        for one in command.options
        for flag in one.flags
        if one.word
    ]
    tables = [f"set -g __mem_commands {' '.join(commands)}", f"set -g __mem_values {' '.join(valued)}"]
    lines = [line for command in every(root) for line in _fish_command(command, words)]
    return "\n".join([MARK, "", *tables]) + "\n" + _FISH + "\n".join(lines) + "\n"


def _fish_command(command: Command, words: Words) -> list[str]:
    def line(place: str, rest: str, said: str = "") -> str:
        where = _fish_quoted(f"__mem_at {_fish_quoted(command.path)} {place}".rstrip())
        return f"complete -c mem -n {where} {rest}" + (f" -d {_fish_quoted(said)}" if said else "")

    lines = [line("1", f"-a {_name(one)}", one.summary) for one in command.commands]
    lines.append(line("", _fish_flags(command.helps), HELP))
    for one in command.options:
        flags = _fish_flags(one.flags)
        value = f" {_fish_values(_place(command, one, words))}" if one.word else ""
        lines.append(line("", flags + value, one.help))
    for number, one in enumerate(command.arguments, 1):
        place = _place(command, one, words)
        if place:
            lines.append(line(f"{number}{'+' * one.many}", _fish_values(place)))
    return lines


def _fish_flags(flags: Sequence[str]) -> str:
    return " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in flags)


def _fish_values(place: str) -> str:
    known = {"": "-x", "@files": "-r -F", "@directories": "-x -a '(__fish_complete_directories (commandline -ct))'"}
    asked = f"'(__mem_ask {place[1:]})'" if place.startswith("@") else _fish_quoted(place.replace("|", " "))
    return known.get(place, f"-x -a {asked}")


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", r"\'") + "'"


# -- on this system ---------------------------------------------------------------------------------


def path_of(shell: str) -> str:
    """Where this user's shell looks for the script."""
    data = _directory("XDG_DATA_HOME", "~/.local/share")
    config = _directory("XDG_CONFIG_HOME", "~/.config")
    return {
        "bash": f"{data}/bash-completion/completions/mem",
        "zsh": f"{data}/zsh/site-functions/_mem",
        "fish": f"{config}/fish/completions/mem.fish",
    }[shell]


def shell_of(name: str | None) -> str:
    """The shell that is meant: the one that is named, else the user's.

    Raises: UsageMistake if that is none that mem knows.
    """
    found = name or os.path.basename(os.environ.get("SHELL", ""))
    if found not in SHELLS:
        what = f"the shell {found!r} is none that mem completes in" if found else "SHELL does not say which shell it is"
        raise UsageMistake(what, f"name one of {', '.join(SHELLS)}")
    return found


def state(shell: str, text: str) -> str:
    """What is in the place of the script: `installed`, `out of date`, `not mem's`, or `none`."""
    try:
        there = _ours(path_of(shell))
    except Refused:
        return "not mem's"
    return "none" if there is None else "installed" if there == text else "out of date"


def install(shell: str, text: str, *, dry_run: bool) -> bool:
    """Put the script in its place; False if it is there already.

    Raises: Refused if another program's file is there.
    """
    path = path_of(shell)
    there = _ours(path)
    if there == text:
        return False
    if not dry_run:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return True


def uninstall(shell: str, *, dry_run: bool) -> bool:
    """Take the script away; False if there is none.

    Raises: Refused if the file there is another program's.
    """
    path = path_of(shell)
    if _ours(path) is None:
        return False
    if not dry_run:
        os.unlink(path)
    return True


def advice(shell: str) -> str:
    """What the user may still have to do, for mem edits no file of theirs."""
    path = path_of(shell)
    return {
        "bash": f"a new bash finds it if bash-completion is installed; if not, ~/.bashrc needs: source {quote(path)}",
        "zsh": f"before compinit, ~/.zshrc needs: fpath=({quote(os.path.dirname(path))} $fpath)",
        "fish": "a new fish finds it",
    }[shell]


def _ours(path: str) -> str | None:
    """The script at a place, or None if there is nothing.

    Raises: Refused if it is not ours.
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if MARK not in text.split("\n")[:2]:
        raise Refused(f"{path} was not made by mem, and is left as it is", f"mv {path} {path}.old")
    return text


def _directory(variable: str, usual: str) -> str:
    given = os.environ.get(variable, "")
    return given if os.path.isabs(given) else os.path.expanduser(usual)
