# SPDX-License-Identifier: Apache-2.0
# Completion for bash: `source` this, or install it as share/bash-completion/completions/latchkey.
# The words come from latchkey itself, so they are always those of the installed version; where it has none, files.
_latchkey() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("$(printf '%q' "$line")")
  done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _latchkey latchkey
