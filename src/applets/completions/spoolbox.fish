# fish completion for spoolbox and the tools that it replaces.

function __spoolbox_candidates
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program spoolbox
    test (path basename -- $words[1]) = spoolbox; and set program $words[1]
    for line in (command $program completions --words $words "$current" 2>/dev/null)
        set -l value (string replace -r '^--[^=]*=' '' -- $current)
        set -l option (string match -r -- '^--[^=]*=' $current)
        set -l word (string split -f 1 \t -- $line)
        switch $word
            case :files
                for path in (__fish_complete_path $value)
                    echo "$option$path"
                end
            case :directories
                for path in (__fish_complete_directories $value)
                    echo "$option$path"
                end
            case '*'
                echo $line
        end
    end
end

for command in spoolbox mailq postcat postqueue postsuper qshape
    complete -c $command -f -a '(__spoolbox_candidates)'
end
