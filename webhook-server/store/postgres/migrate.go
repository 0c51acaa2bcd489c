package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// migrations lead forward from an empty database to the present schema. A released one is never edited.
//
//go:embed migrations/*.sql
var migrations embed.FS

const (
	// versionTable is where goose counts the migrations that have run.
	versionTable = "schema_version"
	// migrationLock is the advisory lock under which one replica at a time migrates.
	migrationLock = 0x6431676174657761
)

// migrate brings the database to the present schema. Replicas that start at once do so one after the other. A database that a newer release has migrated is left as it is,
// provided that this release can live with it.
func migrate(ctx context.Context, pool *pgxpool.Pool) (err error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrationLock), lock.WithLockTimeout(1, 300))
	if err != nil {
		return err
	}
	db := stdlib.OpenDBFromPool(pool)
	defer func() { err = errors.Join(err, db.Close()) }()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker), goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating the schema: %w", err)
	}
	sources := provider.ListSources()
	return checkCompatible(ctx, pool, sources[len(sources)-1].Version)
}

// checkCompatible answers ErrNewerSchema when a program that knows the schema up to the version cannot work with the database.
func checkCompatible(ctx context.Context, pool *pgxpool.Pool, known int64) error {
	var oldest int64
	if err := pool.QueryRow(ctx, "SELECT oldest_compatible FROM store").Scan(&oldest); err != nil {
		return fmt.Errorf("reading the schema's version: %w", err)
	}
	if oldest > known {
		return fmt.Errorf("%w: the database needs a release that knows schema version %d, this one knows up to %d", ErrNewerSchema, oldest, known)
	}
	return nil
}
