package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMain lets this program start itself as one of the servers that it measures, as it does outside tests.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == serveCommand {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// bench runs the program and answers its status, what it printed and the directory it was told to work in.
func bench(t *testing.T, args ...string) (status int, out, problems, dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // #nosec G302 -- PostgreSQL's user has to reach its own directory in it
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	args = append([]string{"-dir", dir, "-out", filepath.Join(dir, "bench.json")}, args...)
	status = run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
	return status, stdout.String(), stderr.String(), dir
}

func readEntries(t *testing.T, dir string) []entry {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "bench.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []entry
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryFigureIsMeasuredPrintedAndWritten(t *testing.T) {
	status, out, problems, dir := bench(t, "-seconds", "0.05", "-rounds", "1", "-clients", "10", "-gateways", "1", "-waiting", "500")
	if status != 0 || problems != "" {
		t.Fatalf("status %d: %s", status, problems)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	entries := readEntries(t, dir)
	goals := []string{"token-es256-vs-floor|(goal ≥ 0.8)", "unknown-client-vs-wrong-secret|(goal ≤ 1.1)", "notify-http-vs-null-store|(goal ≥ 0.7)", "notify-http-postgres-vs-null-store|(goal ≥ 0.7)",
		"store-sqlite-vs-fsync|(goal ≥ 0.15)", "store-postgres-vs-fsync|(goal ≥ 0.25)", "isolation-p99-dead-vs-none|(goal ≤ 1.2)", "isolation-postgres-p99-dead-vs-none|(goal ≤ 1.2)",
		"clients-10000-vs-floor|(goal ≤ 1.5)", "one-more-at-10000-vs-at-10|(goal ≤ 1.5)"}
	if len(entries) != len(goals) {
		t.Fatalf("%d figures were written", len(entries))
	}
	for i, e := range entries {
		name, goal, _ := strings.Cut(goals[i], "|")
		form := regexp.MustCompile(`^ratio ` + name + ` \d+\.\d{3} ` + regexp.QuoteMeta(goal) + `$`)
		line := lines[len(lines)-len(goals)+i]
		if !form.MatchString(line) || line != e.line() {
			t.Errorf("the line is %q, the file has %q", line, e.line())
		}
		if e.Name != name || e.Value <= 0 || e.Detail == nil {
			t.Errorf("the file has %+v", e)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("beside the file this was left: %v %v", left, err)
	}
}

func TestOnlyOneFigure(t *testing.T) {
	status, out, problems, dir := bench(t, "-seconds", "0.05", "-rounds", "2", "-only", "store-sqlite-vs-fsync")
	if status != 0 {
		t.Fatalf("status %d: %s", status, problems)
	}
	if entries := readEntries(t, dir); len(entries) != 1 || entries[0].Name != "store-sqlite-vs-fsync" {
		t.Errorf("the file has %+v", entries)
	}
	if n := strings.Count(out, "\nratio "); n != 1 {
		t.Errorf("%d lines for figures in %s", n, out)
	}
}

func TestAGoalThatIsMissedIsNoFailure(t *testing.T) {
	o := optionsWith(t, figure{name: "slow", goal: 2, direction: atLeast, measure: func(context.Context, *session) (measurement, error) {
		return measurement{value: 1.2345}, nil
	}}, figure{name: "long", goal: 2, direction: atMost, measure: func(context.Context, *session) (measurement, error) {
		return measurement{value: 3}, nil
	}})
	var out bytes.Buffer
	if err := measureAll(t.Context(), o, &out); err != nil {
		t.Fatal(err)
	}
	if want := "ratio slow 1.235 (goal ≥ 2)\nratio long 3.000 (goal ≤ 2)\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %q", out.String())
	}
	for _, e := range readEntries(t, filepath.Dir(o.out)) {
		if e.Met {
			t.Errorf("%s says that it meets its goal", e.Name)
		}
	}
}

func TestWhatCannotBeMeasuredIsAFailureAndTheOthersAreMeasured(t *testing.T) {
	o := optionsWith(t, figure{name: "broken", measure: func(context.Context, *session) (measurement, error) {
		return measurement{}, io.ErrUnexpectedEOF
	}}, figure{name: "whole", goal: 2, direction: atMost, measure: func(context.Context, *session) (measurement, error) {
		return measurement{value: 1}, nil
	}})
	var out bytes.Buffer
	if err := measureAll(t.Context(), o, &out); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("got %v", err)
	}
	if entries := readEntries(t, filepath.Dir(o.out)); len(entries) != 1 || !entries[0].Met {
		t.Errorf("the file has %+v", entries)
	}
}

func optionsWith(t *testing.T, all ...figure) options {
	t.Helper()
	dir := t.TempDir()
	return options{figures: all, rounds: 1, out: filepath.Join(dir, "bench.json"), dir: dir}
}

func TestAnInterruptedRunLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := optionsWith(t, tokenFigure())
	inner := o.figures[0].measure
	o.figures[0].measure = func(ctx context.Context, s *session) (measurement, error) {
		// The children are started before the first round begins.
		if _, err := startChild(ctx, s, tokenFloor); err != nil {
			return measurement{}, err
		}
		cancel()
		return inner(ctx, s)
	}
	if err := measureAll(ctx, o, io.Discard); err == nil {
		t.Error("there was no error")
	}
	if left, err := os.ReadDir(o.dir); err != nil || len(left) > 0 {
		t.Errorf("this was left: %v %v", left, err)
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	for name, args := range map[string][]string{
		"unknown figure": {"-only", "unheard-of"},
		"one unknown":    {"-only", "store-sqlite-vs-fsync,unheard-of"},
		"few clients":    {"-clients", "9"},
		"many gateways":  {"-gateways", "1001"},
		"no rest":        {"-rest", "0s"},
		"unknown flag":   {"-often"},
		"argument":       {"once"},
		"no round":       {"-rounds", "0"},
		"no time":        {"-seconds", "0"},
		"no number":      {"-seconds", "NaN"},
	} {
		t.Run(name, func(t *testing.T) {
			if status, _, problems, _ := bench(t, args...); status != exitUsage || problems == "" {
				t.Errorf("status %d: %q", status, problems)
			}
		})
	}
}

func TestAServerThatDoesNotStartSaysWhy(t *testing.T) {
	s := &session{dir: t.TempDir()}
	_, err := startChild(t.Context(), s, "no-such-server")
	if err == nil || !strings.Contains(err.Error(), "there is no server") {
		t.Errorf("got %v", err)
	}
	if err := s.end(); err != nil {
		t.Errorf("ending: %v", err)
	}
}
