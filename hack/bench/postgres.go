package main

import (
	"context"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/postgres/pgtest"
)

func storePostgresFigure() figure {
	return figure{
		name:      "store-postgres-vs-fsync",
		about:     "the same with PostgreSQL, its server on the same machine; of the CPU time only that of this process is told",
		goal:      0.25,
		direction: atLeast,
		measure: func(ctx context.Context, s *session) (measurement, error) {
			return measureStore(ctx, s, "PostgreSQL", openPostgres)
		},
	}
}

// openPostgres opens a store in a new database of a server of its own, with its files on the disk that is measured.
func openPostgres(ctx context.Context, s *session, _ string) (store.Store, error) {
	url, err := startPostgres(ctx, s)
	if err != nil {
		return nil, err
	}
	return openEngine(ctx, url)
}

func startPostgres(ctx context.Context, s *session) (url string, err error) {
	server, err := pgtest.New(ctx, pgtest.Options{Dir: s.disk, Settings: databaseSettings()})
	if err != nil {
		return "", err
	}
	s.cleanup(server.Close)
	return server.CreateDatabase(ctx)
}

// databaseSettings are those that docs/operations.md recommends, in the size of the machine that measures. fsync, full_page_writes and synchronous_commit stay on.
func databaseSettings() map[string]string {
	return map[string]string{
		"shared_buffers": "512MB", "max_wal_size": "4GB", "checkpoint_timeout": "15min", "wal_buffers": "16MB", "wal_compression": "lz4", "wal_sync_method": "open_datasync",
	}
}
