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
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
)

// Open opens the store at the URL, the value of the --store flag:
//
//	sqlite:PATH[?max-bytes=N]   the embedded store for one replica; PATH's folder must exist
//
// Each observer is told of every group commit, from the goroutine that writes, and must not block. An error never repeats the
// URL's credentials.
func Open(ctx context.Context, storeURL string, log *slog.Logger, observers ...func(store.Commit)) (store.Store, error) {
	scheme, rest, found := strings.Cut(storeURL, ":")
	if !found {
		return nil, fmt.Errorf("--store needs a scheme, for example sqlite:/var/lib/d1gateway/store.db")
	}
	if scheme != "sqlite" {
		return nil, fmt.Errorf("--store has the unknown scheme %q; use sqlite:PATH, for example sqlite:/var/lib/d1gateway/store.db", scheme)
	}
	options, err := sqliteOptions(rest)
	if err != nil {
		return nil, fmt.Errorf("--store sqlite:%s: %w", rest, err)
	}
	options.Logger = log
	options.OnCommit = func(c store.Commit) {
		for _, observe := range observers {
			observe(c)
		}
	}
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
