package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// Exit statuses.
const (
	ExitDone   = 0
	ExitFailed = 1
	ExitUsage  = 2
)

// Environment is where a command runs.
type Environment struct {
	In       io.Reader
	Out, Err io.Writer
	// Interactive says that a person reads Err and answers on In.
	Interactive bool
	Getenv      func(string) string
	Now         func() time.Time
	// Patience is how long to wait for a server that fails to answer, before it is asked again.
	Patience time.Duration
}

// command is one thing that can be typed.
type command struct {
	name, arguments, summary string
	// details is what --help says beside the flags.
	details string
	// prepare declares flags and answers what runs when they have been read.
	prepare func(*invocation) func(context.Context, []string) error
}

// invocation is one command that was typed.
type invocation struct {
	Environment
	flags *flag.FlagSet
}

// groups are the commands by their first word.
var groups = []struct {
	name     string
	commands []command
}{
	{"notifications", []command{listNotifications, showNotification, replayNotifications}},
	{"destinations", []command{listDestinations, pauseDestination, resumeDestination}},
	{"store", []command{backUpStore}},
}

// Handles says whether the arguments of the program are a command, and not the flags of a server.
func Handles(args []string) bool {
	if len(args) == 0 {
		return false
	}
	for _, g := range groups {
		if g.name == args[0] {
			return true
		}
	}
	return false
}

// Help names the commands.
func Help(out io.Writer) {
	say(out, "Commands, each with --help:\n")
	for _, g := range groups {
		for _, c := range g.commands {
			say(out, "  %-22s %s\n", g.name+" "+c.name, c.summary)
		}
	}
}

// Run runs a command and answers the exit status. What it was asked for goes to Out, everything else to Err.
func Run(ctx context.Context, args []string, e Environment) int {
	for _, g := range groups {
		if len(args) == 0 || g.name != args[0] {
			continue
		}
		for _, c := range g.commands {
			if len(args) > 1 && c.name == args[1] {
				return c.run(ctx, g.name, args[2:], e)
			}
		}
		wants := len(args) > 1 && (args[1] == "--help" || args[1] == "-h" || args[1] == "help")
		out, status := e.Err, ExitUsage
		if wants {
			out, status = e.Out, ExitDone
		}
		say(out, "Usage: webhook-server %s COMMAND\n\n", g.name)
		for _, c := range g.commands {
			say(out, "  %-8s %s\n", c.name, c.summary)
		}
		say(out, "\nEach has --help.\n")
		return status
	}
	return ExitUsage
}

// run reads the flags, which may stand before and behind the other arguments.
func (c command) run(ctx context.Context, group string, args []string, e Environment) int {
	i := &invocation{Environment: e, flags: flag.NewFlagSet(c.name, flag.ContinueOnError)}
	i.flags.SetOutput(io.Discard) // a mistake is one line, not the list of all flags
	i.flags.Usage = func() {}
	do := c.prepare(i)
	var others []string
	for {
		err := i.flags.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			c.help(group, i)
			return ExitDone
		}
		if err != nil {
			return i.end(group+" "+c.name, usage{err})
		}
		if args = i.flags.Args(); len(args) == 0 {
			break
		}
		others, args = append(others, args[0]), args[1:]
	}
	return i.end(group+" "+c.name, do(ctx, others))
}

func (c command) help(group string, i *invocation) {
	say(i.Out, "Usage: webhook-server %s\n\n%s.\n", strings.TrimSpace(group+" "+c.name+" [flags] "+c.arguments), c.summary)
	if c.details != "" {
		say(i.Out, "\n%s\n", strings.TrimSpace(c.details))
	}
	say(i.Out, "\nFlags:\n")
	i.flags.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		dashes := "--"
		if len(f.Name) == 1 {
			dashes = " -"
		}
		say(i.Out, "  %s\n        %s\n", strings.TrimRight(dashes+f.Name+" "+value, " "), text)
	})
}

// usage is the error of what was typed wrong.
type usage struct{ error }

func usagef(format string, args ...any) error { return usage{fmt.Errorf(format, args...)} }

// end tells of an error and answers the exit status.
func (i *invocation) end(what string, err error) int {
	var typed usage
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &typed):
		say(i.Err, "webhook-server %s: %v\n", what, err)
		return ExitUsage
	}
	say(i.Err, "webhook-server %s: %v\n", what, explain(err))
	return ExitFailed
}

func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
