package delivery

import (
	"cmp"
	"slices"
	"time"
)

// LaneState describes a lane at one moment, for tests.
type LaneState struct {
	Lane string
	// InFlight counts the attempts under way, those of Forward too.
	InFlight int
	// Open says that the destination is taken to be down.
	Open bool
	// NotBefore is when the next attempt may start; zero or past when one may start now.
	NotBefore time.Time
}

// Lanes describes the lanes that have something under way or something to remember, in order of name.
func (d *Dispatcher) Lanes() []LaneState {
	d.mu.Lock()
	defer d.mu.Unlock()
	states := make([]LaneState, 0, len(d.lanes))
	for _, l := range d.lanes {
		l.mu.Lock()
		states = append(states, LaneState{Lane: l.name, InFlight: l.sending, Open: l.circuit.isOpen(), NotBefore: l.circuit.notBefore})
		l.mu.Unlock()
	}
	slices.SortFunc(states, func(a, b LaneState) int { return cmp.Compare(a.Lane, b.Lane) })
	return states
}
