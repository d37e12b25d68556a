package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
)

// This file knows the commands that cobra adds: help and completion.

// errNoTopic answers a request for help on an unknown command. Cobra itself would print
// the help of the whole program and report success.
var errNoTopic = errors.New("no such command")

// addBuiltins adds the commands help and completion to root, with examples, and makes them
// refuse arguments that they do not know. The output of root must be set before, because
// completion keeps it.
func addBuiltins(root *cobra.Command) {
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
			continue // this version of cobra does not have it
		}
		command.Example = example
		switch path {
		case "help":
			command.Args = func(_ *cobra.Command, topic []string) error {
				if _, rest, err := root.Find(topic); err != nil || len(rest) > 0 {
					return errNoTopic
				}
				return nil
			}
			continue
		case "completion":
			// Otherwise completion prints its help for any argument.
			command.RunE = func(command *cobra.Command, shells []string) error {
				if len(shells) > 0 {
					return errors.New("want bash, zsh, fish or powershell")
				}
				return command.Help()
			}
		}
		command.Long += "\nExit codes: 0 on success; 1 if it cannot write; 2 if the command line is wrong.\n"
	}
}
