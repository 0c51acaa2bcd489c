package cli

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
)

var backUpStore = command{
	name: "backup", summary: "Copy an embedded store to a new file, also while a server has it open",
	details: `
Everything that was acknowledged before is in the copy. It takes the place of the store (--store sqlite:COPY), and must never work beside it.
A PostgreSQL store is copied with pg_dump.

  webhook-server store backup --store sqlite:/var/lib/d1gateway/store.db --to /backup/store-2026-11-22.db`,
	prepare: func(i *invocation) func(context.Context, []string) error {
		from := i.flags.String("store", "", "`URL` of the store, as the server's --store: sqlite:PATH")
		to := i.flags.String("to", "", "`FILE` to make; one that exists is never overwritten")
		return func(ctx context.Context, args []string) error {
			path, embedded := strings.CutPrefix(*from, "sqlite:")
			path, _, _ = strings.Cut(strings.TrimPrefix(path, "//"), "?")
			switch {
			case len(args) > 0:
				return usagef("unexpected argument %q", args[0])
			case strings.HasPrefix(*from, "postgres"):
				return usagef("--store is a PostgreSQL database: copy it with pg_dump")
			case !embedded || path == "":
				return usagef("--store is needed, for example --store sqlite:/var/lib/d1gateway/store.db")
			case *to == "":
				return usagef("--to is needed: the file to make")
			}
			err := sqlite.BackupFile(ctx, path, *to)
			if errors.Is(err, fs.ErrExist) {
				return usagef("--to: %s is there already", *to)
			}
			if err == nil {
				say(i.Out, "%s\n", *to)
			}
			return err
		}
	},
}
