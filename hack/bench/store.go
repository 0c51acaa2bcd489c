package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/engine"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// producers wait for their own notification to be durable before they send the next.
const producers = 64

// firstLoad is how many notifications the first, unmeasured load of a side has: its rate says how many fill a round.
const firstLoad = 4000

// openStore opens an empty store with its files in dir.
type openStore func(ctx context.Context, s *session, dir string) (store.Store, error)

func openSQLite(ctx context.Context, _ *session, dir string) (store.Store, error) {
	return openEngine(ctx, "sqlite:"+filepath.Join(dir, "store.db"))
}

func openEngine(ctx context.Context, url string) (store.Store, error) {
	logger, err := newLogger()
	if err != nil {
		return nil, err
	}
	return engine.Open(ctx, url, logger)
}

func storeFigure() figure {
	return figure{
		name:      "store-sqlite-vs-fsync",
		about:     "notifications made durable per second by the embedded store, indexes and checkpoints included, against appending them to a file in groups and flushing each group; 64 producers",
		goal:      0.15,
		direction: atLeast,
		measure: func(ctx context.Context, s *session) (measurement, error) {
			return measureStore(ctx, s, "embedded store", openSQLite)
		},
	}
}

func measureStore(ctx context.Context, s *session, name string, open openStore) (measurement, error) {
	ours, err := open(ctx, s, s.dir)
	if err != nil {
		return measurement{}, err
	}
	s.cleanup(ours.Close)
	file, err := storetest.OpenFsyncLog(filepath.Join(s.dir, "log"))
	if err != nil {
		return measurement{}, err
	}
	s.cleanup(file.Close)
	var sides [2]side
	for i, one := range []struct {
		name, profile string
		to            storetest.Appender
	}{{name, "store", ours}, {"append and flush", "store-fsync", file}} {
		a := &appending{to: one.to, window: s.window, profile: s.profilePath(one.profile)}
		sides[i] = side{one.name, a.round}
	}
	return comparison{ours: sides[0], base: sides[1], rate: sample.perSecond, unit: "per second"}.measure(ctx, s.rounds, s.window)
}

// appending is one side: a store, or the file. A profile is of its last round.
type appending struct {
	to      storetest.Appender
	window  time.Duration
	profile string
	rate    float64 // per second, of the load before
}

// round appends about as many as fill the window.
func (a *appending) round(ctx context.Context) (sample, error) {
	if a.rate == 0 {
		if _, err := a.load(ctx, firstLoad); err != nil {
			return sample{}, err
		}
	}
	end, err := startProfile(a.profile)
	if err != nil {
		return sample{}, err
	}
	s, err := a.load(ctx, max(producers, int(a.rate*a.window.Seconds())))
	return s, errors.Join(err, end())
}

func (a *appending) load(ctx context.Context, total int) (sample, error) {
	before, err := ownCPU()
	if err != nil {
		return sample{}, err
	}
	took, err := storetest.AppendLoad(ctx, a.to, producers, total)
	if err != nil {
		return sample{}, fmt.Errorf("appending %d: %w", total, err)
	}
	after, err := ownCPU()
	s := sample{total, took, after - before}
	a.rate = s.perSecond()
	return s, err
}
