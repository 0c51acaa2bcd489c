package replicas

import (
	"fmt"
	"testing"
)

func TestNobodyWhoWaitsIsForgotten(t *testing.T) {
	reached := map[string]int{}
	for seed := range uint64(300) {
		m := newModel(t, seed)
		var history []string
		for range 120 {
			before := m.Standing(nil)
			history = append(history, m.happens())
			m.notes()
			if now := m.Standing(nil); now.Live == 0 && !now.Gap && (before.Live > 0 || before.Gap) {
				reached["the end of the gap"]++
				if !m.mayBeOver() {
					t.Fatalf("seed %d: it is said that there is no replica after %q", seed, history[max(0, len(history)-30):])
				}
			}
			total, known := m.undelivered()
			if got, k := m.Undelivered(named1("acme"), "one"); got != total || k != known {
				t.Fatalf("seed %d: %d wait, known %t, but it is %d, %t after %q", seed, got, k, total, known, history[max(0, len(history)-30):])
			}
			reached[fmt.Sprint("undelivered: ", min(total, 1), known)]++
			called := m.clients.take()
			for _, name := range called {
				if _, exists := m.wanted[name]; exists {
					m.looks(name)
				}
			}
			// Looking calls nobody: else it would never end.
			if again := m.clients.take(); len(again) > 0 {
				t.Fatalf("seed %d: looking has called %q after %q", seed, again, history)
			}
			for name := range m.wanted {
				reached[m.truth(name)]++
				if m.forgotten(name) {
					t.Fatalf("seed %d: %s knows %q, but it is %q; called were %q after %q", seed, name, m.known[name], m.truth(name), called, history[max(0, len(history)-12):])
				}
			}
		}
	}
	for class, times := range map[string]int{
		"served": 1000, "behind": 1000, "none": 1000, "refused by [a]": 1000, "the end of the gap": 100,
		"undelivered: 0 true": 250, "undelivered: 0 false": 500, "undelivered: 1 true": 500, "undelivered: 1 false": 500,
	} {
		if reached[class] < times {
			t.Errorf("%q was put to the test only %d times", class, reached[class])
		}
	}
}
