package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
)

// entry is one figure in the JSON file.
type entry struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Goal  float64 `json:"goal"`
	// Direction is "≥" or "≤": on which side of the goal the value should be.
	Direction direction `json:"direction"`
	// Met says whether the value is there.
	Met    bool   `json:"met"`
	About  string `json:"about"`
	Detail any    `json:"detail,omitempty"`
}

func newEntry(f figure, m measurement) entry {
	value := round(m.value, 3)
	met := value >= f.goal
	if f.direction == atMost {
		met = value <= f.goal
	}
	return entry{Name: f.name, Value: value, Goal: f.goal, Direction: f.direction, Met: met, About: f.about, Detail: m.detail}
}

// line is the figure's line at the end of the report. Programs read it: its form stays.
func (e entry) line() string {
	return fmt.Sprintf("ratio %s %.3f (goal %s %s)", e.Name, e.Value, e.Direction, strconv.FormatFloat(e.Goal, 'f', -1, 64))
}

func writeJSON(path string, all []entry) error {
	if all == nil {
		all = []entry{} // a list, also when nothing could be measured
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the figures: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil { //nolint:gosec // the path is the user's flag
		return fmt.Errorf("writing the figures: %w", err)
	}
	return nil
}

func round(x float64, decimals int) float64 {
	scale := math.Pow10(decimals)
	return math.Round(x*scale) / scale
}
