// Package engine opens the store that the --store flag names.
package engine

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/postgres"
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
)

// Open opens the store at the URL, the value of the --store flag:
//
//	sqlite:PATH[?max-bytes=N]                      the embedded store for one replica; PATH's folder must exist
//	postgres://USER:PASSWORD@HOST:PORT/DATABASE?…  a PostgreSQL database (13 or later) that several replicas share; also postgresql://
//
// A PostgreSQL URL may have libpq's parameters and several hosts; the role must own the database or may create tables in its schema. When it is a secret, OpenPostgresFile
// takes it from a file.
//
// Each observer is told of every group commit, from a goroutine that writes, and must not block. An error never repeats the
// URL's credentials.
func Open(ctx context.Context, storeURL string, log *slog.Logger, observers ...func(store.Commit)) (store.Store, error) {
	scheme, rest, found := strings.Cut(storeURL, ":")
	if !found {
		return nil, fmt.Errorf("--store needs a scheme, for example %s", examples)
	}
	switch scheme {
	case "sqlite":
		return openSQLite(ctx, rest, log, observers)
	case "postgres", "postgresql":
		return openPostgres(ctx, postgres.Options{URL: storeURL}, "--store "+scheme, log, observers)
	}
	return nil, fmt.Errorf("--store has the unknown scheme %q; use for example %s", scheme, examples)
}

// IsEmbedded says that the URL names the embedded store, which is for one replica.
func IsEmbedded(storeURL string) bool { return strings.HasPrefix(storeURL, "sqlite:") }

const examples = "sqlite:/var/lib/d1gateway/store.db or postgres://user@db.example/d1gateway"

// OpenPostgresFile opens the PostgreSQL store whose URL is the content of a file, the value of the --store-url-file flag. The file is read again for each new connection, so that the
// password may be changed while the store is open.
func OpenPostgresFile(ctx context.Context, file string, log *slog.Logger, observers ...func(store.Commit)) (store.Store, error) {
	return openPostgres(ctx, postgres.Options{URLFile: file}, "--store-url-file "+file, log, observers)
}

func openPostgres(ctx context.Context, options postgres.Options, flag string, log *slog.Logger, observers []func(store.Commit)) (store.Store, error) {
	options.Logger, options.OnCommit = log, each(observers)
	s, err := postgres.Open(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return s, nil
}

// each tells every observer.
func each(observers []func(store.Commit)) func(store.Commit) {
	return func(c store.Commit) {
		for _, observe := range observers {
			observe(c)
		}
	}
}

func openSQLite(ctx context.Context, rest string, log *slog.Logger, observers []func(store.Commit)) (store.Store, error) {
	options, err := sqliteOptions(rest)
	if err != nil {
		return nil, fmt.Errorf("--store sqlite:%s: %w", rest, err)
	}
	options.Logger, options.OnCommit = log, each(observers)
	s, err := sqlite.Open(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("--store sqlite:%s: %w", rest, err)
	}
	return s, nil
}

// sqliteOptions reads PATH[?max-bytes=N]. The path is taken as it stands, not unescaped.
func sqliteOptions(rest string) (sqlite.Options, error) {
	path, query, _ := strings.Cut(rest, "?")
	path = strings.TrimPrefix(path, "//") // sqlite:///var/lib/x.db means the same
	if path == "" {
		return sqlite.Options{}, fmt.Errorf("the path of the file is missing, for example sqlite:/var/lib/d1gateway/store.db")
	}
	options := sqlite.Options{Path: path}
	values, err := url.ParseQuery(query)
	if err != nil {
		return sqlite.Options{}, fmt.Errorf("reading the options: %w", err)
	}
	for name, given := range values {
		if name != "max-bytes" || len(given) != 1 {
			return sqlite.Options{}, fmt.Errorf("unknown or repeated option %q; there is only max-bytes", name)
		}
		options.MaxBytes, err = strconv.ParseInt(given[0], 10, 64)
		if err != nil || options.MaxBytes <= 0 {
			return sqlite.Options{}, fmt.Errorf("max-bytes must be a whole number above 0, not %q", given[0])
		}
	}
	return options, nil
}
