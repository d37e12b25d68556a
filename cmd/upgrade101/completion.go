package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// This file knows the commands that the library adds by itself.

// addCompletion adds the command completion to root, with examples. The output of root
// must be set: completion keeps it.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for path, example := range map[string]string{
		"help":                  "  upgrade101 help parse",
		"completion":            "  source <(upgrade101 completion bash)",
		"completion bash":       "  upgrade101 completion bash >/etc/bash_completion.d/upgrade101",
		"completion zsh":        "  upgrade101 completion zsh >\"${fpath[1]}/_upgrade101\"",
		"completion fish":       "  upgrade101 completion fish >~/.config/fish/completions/upgrade101.fish",
		"completion powershell": "  upgrade101 completion powershell | Out-String | Invoke-Expression",
	} {
		command, _, err := root.Find(strings.Fields(path))
		if err != nil {
			continue // the library has given it up, or another name
		}
		command.Example = example
		if path != "help" {
			command.Long += "\nExit codes: 0, or 2 if the command line is wrong.\n"
		}
	}
}
