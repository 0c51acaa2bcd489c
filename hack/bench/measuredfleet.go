package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// shared holds what several figures of one run are made of.
type shared struct {
	fleet *measuredFleet
	err   error
}

// measuredFleet is what was measured while a world was filled.
type measuredFleet struct {
	few, many        added
	batch            batch
	operator, server usage // when all were Ready
	world            *world
}

// measured fills a world and measures all the figures about that, once in a run.
func (h *shared) measured(ctx context.Context, s *session) (*measuredFleet, error) {
	if h.fleet == nil && h.err == nil {
		h.fleet, h.err = measureFleet(ctx, s)
	}
	return h.fleet, h.err
}

// measureFleet leaves nothing running: what is measured next has the machine for itself.
func measureFleet(ctx context.Context, s *session) (_ *measuredFleet, err error) {
	inner := &session{dir: filepath.Join(s.dir, "fleet")}
	if err := os.Mkdir(inner.dir, 0o700); err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	defer func() { err = errors.Join(err, inner.end()) }()
	w, err := startWorld(ctx, inner, s.fleet)
	if err != nil {
		return nil, err
	}
	m := &measuredFleet{world: w}
	if _, err := w.fill(ctx, 0, few-1); err != nil { // the sample is one too
		return nil, err
	}
	if m.few, err = w.addOneMore(ctx, additionsIn(s.rounds)); err != nil {
		return nil, err
	}
	if m.batch, err = w.fill(ctx, few, few+s.fleet.clients); err != nil {
		return nil, err
	}
	if m.operator, m.server, err = w.usage(ctx); err != nil {
		return nil, err
	}
	m.many, err = w.addOneMore(ctx, additionsIn(s.rounds))
	return m, err
}
