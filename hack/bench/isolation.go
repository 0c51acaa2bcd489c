package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	// isolationWaiting is how many notifications wait for the destination that is dead, unless -waiting says otherwise.
	isolationWaiting = 100_000
	// isolationHealthy is how many other destinations there are, and isolationRate how many notifications a second come for them together.
	isolationHealthy = 500
	isolationRate    = 500
)

func isolationFigure() figure {
	return figure{
		name: "isolation-p99-dead-vs-none",
		about: fmt.Sprintf("99th percentile of the delay from stored to delivered for %d healthy destinations at %d a second with the embedded store, while %d notifications wait for a dead one, against the same without it",
			isolationHealthy, isolationRate, isolationWaiting),
		goal:      1.2,
		direction: atMost,
		measure: func(ctx context.Context, s *session) (measurement, error) {
			return measureIsolation(ctx, s, openSQLite)
		},
	}
}

func isolationPostgresFigure() figure {
	return figure{
		name:      "isolation-postgres-p99-dead-vs-none",
		about:     "the same with PostgreSQL",
		goal:      1.2,
		direction: atMost,
		measure: func(ctx context.Context, s *session) (measurement, error) {
			return measureIsolation(ctx, s, openPostgres)
		},
	}
}

// delays is what the JSON file says of one side, in milliseconds: the 99th percentile of each round, and over all rounds.
type delays struct {
	Name   string    `json:"name"`
	P99    float64   `json:"p99Milliseconds"`
	P50    float64   `json:"p50Milliseconds"`
	Rounds []float64 `json:"roundP99Milliseconds"`
}

// isolationDetail is what the JSON file says of an isolation figure.
type isolationDetail struct {
	RoundSeconds float64 `json:"roundSeconds"`
	Dead         delays  `json:"withADeadDestination"`
	None         delays  `json:"without"`
}

// measureIsolation lets the two sides take turns. The ratio is that of the medians of the rounds' 99th percentiles, so that a moment in which
// the machine was busy with something else spoils one round and not the figure.
func measureIsolation(ctx context.Context, s *session, open openStore) (measurement, error) {
	with, err := startDelivering(ctx, s, open, s.waiting)
	if err != nil {
		return measurement{}, fmt.Errorf("with a dead destination: %w", err)
	}
	without, err := startDelivering(ctx, s, open, 0)
	if err != nil {
		return measurement{}, fmt.Errorf("without a dead destination: %w", err)
	}
	var dead, none [][]time.Duration
	for n := range s.rounds + 1 {
		for _, turn := range []struct {
			side *delivering
			to   *[][]time.Duration
		}{{with, &dead}, {without, &none}} {
			round, err := turn.side.round(ctx, s.window)
			if err != nil {
				return measurement{}, err
			}
			if n > 0 { // the first warms up
				*turn.to = append(*turn.to, round)
			}
		}
	}
	d := isolationDetail{s.window.Seconds(), describeDelays("with a dead destination", dead), describeDelays("without", none)}
	return measurement{value: d.Dead.P99 / d.None.P99, words: []string{d.Dead.words(), d.None.words()}, detail: d}, nil
}

func describeDelays(name string, rounds [][]time.Duration) delays {
	d := delays{Name: name}
	var middles []float64
	for _, round := range rounds {
		d.Rounds = append(d.Rounds, percentile(round, 99))
		middles = append(middles, percentile(round, 50))
	}
	d.P99, d.P50 = median(d.Rounds), median(middles)
	return d
}

// percentile is in milliseconds.
func percentile(all []time.Duration, p int) float64 {
	sorted := slices.Sorted(slices.Values(all))
	at := min(len(sorted)*p/100, len(sorted)-1)
	return round(float64(sorted[at])/float64(time.Millisecond), 3)
}

func (d delays) words() string {
	return fmt.Sprintf("%-23s  99th percentile %.2f ms in the middle of %d rounds (from %.2f to %.2f), median delay %.2f ms",
		d.Name, d.P99, len(d.Rounds), slices.Min(d.Rounds), slices.Max(d.Rounds), d.P50)
}
