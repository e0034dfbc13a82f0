package config

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// variable is the annotation of a flag that can also be given by the environment; its value is the variable's name.
const variable = "kindred_variable"

// settingFlags collects flags that are settings: each gets its variable, which its help names.
type settingFlags struct {
	*pflag.FlagSet
	on *pflag.FlagSet
}

func flagsOf(on *pflag.FlagSet) *settingFlags {
	return &settingFlags{FlagSet: pflag.NewFlagSet("settings", pflag.ContinueOnError), on: on}
}

// mark adds the collected flags to those of the command, each with its variable.
func (s *settingFlags) mark() {
	s.FlagSet.VisitAll(func(flag *pflag.Flag) {
		name := Variable(flag.Name)
		if flag.Annotations[variable] == nil {
			flag.Annotations = map[string][]string{variable: {name}}
			flag.Usage += " [" + name + "]"
		}
		s.on.AddFlag(flag)
	})
}

// Variable returns the variable of a flag: KINDRED_KAFKA for --kafka.
func Variable(flag string) string {
	return "KINDRED_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// FromEnvironment sets every setting whose flag was not given to the value of its variable. An empty variable counts, too.
func FromEnvironment(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var wrong error
	flags.VisitAll(func(flag *pflag.Flag) {
		name := flag.Annotations[variable]
		if name == nil || flag.Changed || wrong != nil {
			return
		}
		if value, ok := lookup(name[0]); ok {
			if err := flags.Set(flag.Name, value); err != nil {
				wrong = fmt.Errorf("%s=%q: %w", name[0], value, err)
			}
		}
	})
	return wrong
}
