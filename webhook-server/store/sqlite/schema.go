package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// migrations lead from an empty file to the present schema, forward only: a released one is never edited, and what it says of the
// schema is documented there. Each of them also sets PRAGMA user_version to its number: that is where every release, the first ones
// included, looks for a schema newer than its own.
//
//go:embed migrations/*.sql
var migrations embed.FS

// schemaVersion is the number of the last migration.
const schemaVersion = 3

// lastUnlisted is the last schema version whose release did not list its migrations in goose's table.
const lastUnlisted = 2

// migrate brings the file to the present schema, one transaction for each step.
func migrate(ctx context.Context, db *sql.DB) error {
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("reading the schema version: %w", err)
	}
	if version > schemaVersion {
		return fmt.Errorf("%w: the file has schema version %d, this program knows up to %d; use a release that is at least as new as the one that wrote it",
			ErrNewerSchema, version, schemaVersion)
	}
	if err := listMigrations(ctx, db, version); err != nil {
		return fmt.Errorf("taking over schema version %d: %w", version, err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating from schema version %d to %d: %w", version, schemaVersion, err)
	}
	return nil
}

// listMigrations puts into goose's table which migrations the file of an earlier release has already been through.
func listMigrations(ctx context.Context, db *sql.DB, version int) error {
	if version == 0 || version > lastUnlisted {
		return nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	var listed bool
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = ?", goose.DefaultTablename).Scan(&listed); err != nil || listed {
		return err // listed already: the migration after it has failed since
	}
	list, err := database.NewStore(goose.DialectSQLite3, goose.DefaultTablename)
	if err != nil {
		return err
	}
	if err := list.CreateVersionTable(ctx, tx); err != nil {
		return err
	}
	for done := range int64(version) + 1 { // goose expects a version 0 too
		if err := list.Insert(ctx, tx, database.InsertRequest{Version: done}); err != nil {
			return err
		}
	}
	return tx.Commit()
}
