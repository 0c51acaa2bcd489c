package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// wideSpread is the spread of a side's rounds above which the ratio says little.
const wideSpread = 0.25

// sample is one round of one side.
type sample struct {
	done    int           // requests answered, or notifications stored
	elapsed time.Duration // by the clock
	cpu     time.Duration // of the process that did the work, over all its threads
}

func (s sample) perSecond() float64    { return float64(s.done) / s.elapsed.Seconds() }
func (s sample) perCPUSecond() float64 { return float64(s.done) / s.cpu.Seconds() }

// side is one of the two that are compared.
type side struct {
	name  string
	round func(ctx context.Context) (sample, error)
}

// comparison is a figure that is the ratio of two rates. The sides take turns, so that whatever else the machine does meets both.
type comparison struct {
	ours, base side
	rate       func(sample) float64
	unit       string
}

// sideDetail is what the JSON file says of a side.
type sideDetail struct {
	Name   string  `json:"name"`
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	// Spread is (Max - Min) / Median.
	Spread float64   `json:"spread"`
	Rounds []float64 `json:"rounds"`
	// PerSecond is the median by the clock, CPUs the median of how many were kept busy.
	PerSecond float64 `json:"perSecond"`
	CPUs      float64 `json:"cpus"`
}

// comparisonDetail is what the JSON file says of a comparison.
type comparisonDetail struct {
	Unit         string     `json:"unit"`
	RoundSeconds float64    `json:"roundSeconds"`
	Ours         sideDetail `json:"ours"`
	Base         sideDetail `json:"base"`
	// RoundRatios are those of each round by itself. Their median holds still when the whole machine gets faster or slower meanwhile.
	RoundRatios      []float64 `json:"roundRatios"`
	MedianRoundRatio float64   `json:"medianRoundRatio"`
}

// measure runs the rounds and answers the ratio of the medians.
func (c comparison) measure(ctx context.Context, rounds int, window time.Duration) (measurement, error) {
	var ours, base []sample
	for range rounds {
		for _, turn := range []struct {
			side side
			to   *[]sample
		}{{c.ours, &ours}, {c.base, &base}} {
			taken, err := turn.side.round(ctx)
			if err == nil && (taken.done == 0 || taken.elapsed <= 0 || taken.cpu <= 0) {
				err = errors.New("nothing was done in a whole round")
			}
			if err != nil {
				return measurement{}, fmt.Errorf("%s: %w", turn.side.name, err)
			}
			*turn.to = append(*turn.to, taken)
		}
	}
	d := comparisonDetail{
		Unit: c.unit, RoundSeconds: window.Seconds(),
		Ours: c.describe(c.ours.name, ours), Base: c.describe(c.base.name, base),
	}
	for i := range rounds {
		d.RoundRatios = append(d.RoundRatios, round(d.Ours.Rounds[i]/d.Base.Rounds[i], 3))
	}
	d.MedianRoundRatio = round(median(d.RoundRatios), 3)
	return measurement{value: d.Ours.Median / d.Base.Median, words: d.words(), detail: d}, nil
}

func (c comparison) describe(name string, samples []sample) sideDetail {
	rates := each(samples, c.rate)
	d := sideDetail{Name: name, Median: median(rates), Min: slices.Min(rates), Max: slices.Max(rates), Rounds: rates}
	d.Spread = round((d.Max-d.Min)/d.Median, 3)
	d.PerSecond = round(median(each(samples, sample.perSecond)), 1)
	d.CPUs = round(median(each(samples, func(s sample) float64 { return s.cpu.Seconds() / s.elapsed.Seconds() })), 2)
	return d
}

func (d comparisonDetail) words() []string {
	width := max(len(d.Ours.Name), len(d.Base.Name))
	var lines []string
	for _, s := range []sideDetail{d.Ours, d.Base} {
		lines = append(lines, fmt.Sprintf("%-*s  %.0f %s, from %.0f to %.0f in %d rounds (spread %.0f %%); %.0f per second with %.2f CPUs",
			width, s.Name, s.Median, d.Unit, s.Min, s.Max, len(s.Rounds), 100*s.Spread, s.PerSecond, s.CPUs))
	}
	lines = append(lines, fmt.Sprintf("each round by itself: %.3f in the middle, from %.3f to %.3f", d.MedianRoundRatio, slices.Min(d.RoundRatios), slices.Max(d.RoundRatios)))
	if widest := max(d.Ours.Spread, d.Base.Spread); widest > wideSpread {
		lines = append(lines, fmt.Sprintf("note: rounds of one side differ by %.0f %%. Something else is using this machine: measure again when it rests, or with more -rounds.", 100*widest))
	}
	return lines
}

// each answers f of every sample, rounded to what is worth reading.
func each(samples []sample, f func(sample) float64) []float64 {
	values := make([]float64, 0, len(samples))
	for _, s := range samples {
		values = append(values, round(f(s), 3))
	}
	return values
}

// median is the middle value, or the mean of the two in the middle; NaN of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
