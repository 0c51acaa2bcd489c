package main

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for name, test := range map[string]struct {
		values []float64
		want   float64
	}{
		"one value":            {[]float64{7}, 7},
		"an odd number":        {[]float64{9, 1, 5}, 5},
		"an even number":       {[]float64{4, 1, 2, 9}, 3},
		"one that is far away": {[]float64{1, 1000, 2}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			given := slices.Clone(test.values)
			if got := median(test.values); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if !slices.Equal(given, test.values) {
				t.Error("the values were put into another order")
			}
		})
	}
	if !math.IsNaN(median(nil)) {
		t.Error("there is no median of nothing")
	}
}

// scripted answers samples of so many done in a second, with a CPU time of a quarter, and notes whose turn it was.
func scripted(name string, turns *[]string, done ...int) side {
	i := 0
	return side{name, func(context.Context) (sample, error) {
		*turns = append(*turns, name)
		s := sample{done[i], time.Second, time.Second / 4}
		i++
		return s, nil
	}}
}

func TestComparisonIsTheRatioOfMediansOfRoundsThatTakeTurns(t *testing.T) {
	var turns []string
	c := comparison{
		ours: scripted("a", &turns, 300, 900, 310), base: scripted("b", &turns, 620, 600, 100),
		rate: sample.perCPUSecond, unit: "per CPU second",
	}
	m, err := c.measure(t.Context(), 3, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if want := 310.0 / 600; math.Abs(m.value-want) > 1e-9 {
		t.Errorf("got %v, want %v", m.value, want)
	}
	if got := strings.Join(turns, ""); got != "ababab" {
		t.Errorf("the turns were %s", got)
	}
	d := m.detail.(comparisonDetail)
	if want := []float64{1200, 3600, 1240}; !slices.Equal(d.Ours.Rounds, want) {
		t.Errorf("our rounds are %v, want %v", d.Ours.Rounds, want)
	}
	if want := []float64{0.484, 1.5, 3.1}; !slices.Equal(d.RoundRatios, want) || d.MedianRoundRatio != 1.5 {
		t.Errorf("the rounds' own ratios are %v with %v in the middle, want %v", d.RoundRatios, d.MedianRoundRatio, want)
	}
	if d.Ours.PerSecond != 310 || d.Ours.CPUs != 0.25 || d.Ours.Min != 1200 || d.Ours.Max != 3600 {
		t.Errorf("our side is described as %+v", d.Ours)
	}
	if want := round(2400.0/1240, 3); d.Ours.Spread != want {
		t.Errorf("our spread is %v, want %v", d.Ours.Spread, want)
	}
}

func TestComparisonNotesAWideSpreadOnly(t *testing.T) {
	for name, test := range map[string]struct {
		ours []int
		want bool
	}{
		"rounds that agree":       {[]int{100, 101, 99}, false},
		"rounds that are at odds": {[]int{100, 160, 99}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var turns []string
			c := comparison{ours: scripted("a", &turns, test.ours...), base: scripted("b", &turns, 100, 100, 100), rate: sample.perSecond}
			m, err := c.measure(t.Context(), 3, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			noted := slices.ContainsFunc(m.words, func(line string) bool { return strings.HasPrefix(line, "note:") })
			if noted != test.want {
				t.Errorf("noted: %v, want %v: %q", noted, test.want, m.words)
			}
		})
	}
}

func TestComparisonFailsWhenARoundDoes(t *testing.T) {
	broken := errors.New("broken")
	var turns []string
	for name, base := range map[string]side{
		"a round that fails":            {"b", func(context.Context) (sample, error) { return sample{}, broken }},
		"a round in which nothing came": scripted("b", &turns, 0),
	} {
		t.Run(name, func(t *testing.T) {
			c := comparison{ours: scripted("a", &turns, 1), base: base, rate: sample.perSecond}
			if m, err := c.measure(t.Context(), 1, time.Second); err == nil {
				t.Errorf("got %+v", m)
			}
		})
	}
}
