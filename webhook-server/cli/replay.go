package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/admin/client"
	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
)

const (
	// sampled is how many of the notifications are shown before a replay.
	sampled = 5
	// failuresInARow is how often the server may fail to answer before a replay is given up.
	failuresInARow = 5
)

var replayNotifications = command{
	name: "replay", arguments: "[ID...]", summary: "Deliver notifications again: those named, or those that a filter chooses",
	details: `
With a filter it counts first, shows the newest, and asks. A merchant gets each again with the same webhook-id. What is Dead or Delivered
waits again, its attempts counted anew; what is Waiting is tried at once.

  webhook-server notifications replay --state Dead --destination payments/acme/MGW_000001 --dry-run
  webhook-server notifications replay --state Dead --reason timeout --received-from 6h
  webhook-server notifications replay --state Delivered --gateway MGW_000001 --received-from 2026-11-22T01:00:00Z --received-until 2026-11-22T02:00:00Z`,
	prepare: func(i *invocation) func(context.Context, []string) error {
		r := &replay{invocation: i, connection: i.connection(), filter: i.filterFlags()}
		i.flags.BoolVar(&r.all, "all", false, "the filter names nothing but a state, and that is meant")
		i.flags.BoolVar(&r.dryRun, "dry-run", false, "only count and show")
		i.flags.BoolVar(&r.yes, "yes", false, "do not ask")
		i.timeFlag(&r.at, "at", "`TIME`: go on with a replay that broke off, which names it; what it did is not done again")
		return r.run
	},
}

type replay struct {
	*invocation
	*connection
	filter           *wire.Filter
	all, dryRun, yes bool
	at               time.Time
	server           *client.Client
}

func (r *replay) run(ctx context.Context, ids []string) (err error) {
	filtered := describe(r.filter) != "" || r.all
	if len(ids) > 0 && (filtered || r.dryRun) {
		return usagef("give either ids or a filter")
	}
	if len(ids) == 0 && !filtered {
		return usagef("which ones? Give ids, or a filter such as --state Dead --destination NAME")
	}
	if len(ids) > 0 {
		if err := checkIDs(ids); err != nil {
			return err
		}
	}
	if r.server, err = r.connect(); err != nil {
		return err
	}
	if len(ids) > 0 {
		return r.named(ctx, ids)
	}
	return r.chosen(ctx)
}

// named replays notifications by their ids. They are so few that nobody is asked.
func (r *replay) named(ctx context.Context, ids []string) error {
	for _, id := range ids {
		result, err := r.server.ReplayOne(ctx, id)
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		if shown, err := r.json(r.invocation, result); err != nil {
			return err
		} else if shown {
			continue
		}
		if result.Replayed == 0 {
			say(r.Out, "%s is being delivered now, or due already\n", id)
			continue
		}
		say(r.Out, "%s replayed\n", id)
	}
	return nil
}

// chosen replays what a filter chooses: counted, shown, confirmed.
func (r *replay) chosen(ctx context.Context) error {
	counted, err := r.server.Replay(ctx, wire.Replay{Filter: *r.filter, All: r.all, DryRun: true, At: r.at})
	if err != nil {
		return asUsage(err)
	}
	if r.dryRun || counted.Matched == 0 {
		if shown, err := r.json(r.invocation, counted); shown {
			return err
		}
	}
	told := r.Err
	if r.dryRun {
		told = r.Out // it is what was asked for
	}
	say(told, "%s: %s\n", plural(counted.Matched), describe(r.filter))
	if counted.Matched == 0 {
		return nil
	}
	r.warnOfPauses(ctx)
	if !r.yes && r.output == "table" {
		if err := r.sample(ctx, counted.Matched); err != nil {
			return err
		}
	}
	if r.dryRun {
		return nil
	}
	if err := r.confirm(counted.Matched); err != nil {
		return err
	}
	total, err := r.steps(ctx, counted)
	if err != nil {
		return fmt.Errorf("%w\n%s replayed so far; the same command with --at %s goes on", err, plural(total.Replayed), total.At.Format(time.RFC3339Nano))
	}
	if shown, err := r.json(r.invocation, total); shown {
		return err
	}
	say(r.Out, "%s replayed\n", plural(total.Replayed))
	if left := total.Matched - total.Replayed; left > 0 {
		say(r.Err, "%d more matched: they were due already, were being delivered, or had been attempted since they were counted\n", left)
	}
	return nil
}

func (r *replay) sample(ctx context.Context, matched int) error {
	page, err := pages(ctx, r.server, r.filter, sampled, "")
	if err != nil || len(page.Items) == 0 {
		return err
	}
	if matched > len(page.Items) {
		say(r.Err, "The newest %d:\n", len(page.Items))
	}
	return r.showNotifications(page.Items)
}

// warnOfPauses says where what is replayed will wait. Who may not look at destinations is not told.
func (r *replay) warnOfPauses(ctx context.Context) {
	held, err := r.server.Destinations(ctx, client.DestinationQuery{Namespace: r.filter.Namespace, GatewayID: r.filter.GatewayID})
	if err != nil {
		return
	}
	for _, d := range held.Items {
		chosen := r.filter.Destination == "" || r.filter.Destination == d.Destination
		if chosen && len(d.Pauses) > 0 {
			say(r.Err, "%s is paused: what is replayed there waits until it is resumed\n", printable(d.Destination))
		}
	}
}

// confirm wants the number typed, which one who only wants to get on does not do.
func (r *replay) confirm(matched int) error {
	if r.yes {
		return nil
	}
	if !r.Interactive {
		return usagef("nothing was replayed: say --yes to replay %s", plural(matched))
	}
	what := "Merchants get each of them again."
	if r.filter.State == "Waiting" {
		what = "Each of them is tried at once."
	}
	say(r.Err, "%s Type %d to replay: ", what, matched)
	line, err := bufio.NewReader(io.LimitReader(r.In, 100)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(line) != strconv.Itoa(matched) {
		return errors.New("nothing was replayed")
	}
	return nil
}

// steps asks until it is done, and again when the server fails to answer: with the same instant nothing is replayed twice.
func (r *replay) steps(ctx context.Context, counted wire.Replayed) (wire.Replayed, error) {
	total := wire.Replayed{Matched: counted.Matched, At: counted.At}
	failed := 0
	for {
		result, err := r.server.Replay(ctx, wire.Replay{Filter: *r.filter, All: r.all, ConfirmCount: &counted.Matched, At: counted.At})
		total.Replayed += result.Replayed
		if err == nil {
			if failed = 0; result.Done {
				total.Done = true
				return total, nil
			}
			say(r.Err, "%d replayed\n", total.Replayed)
			continue
		}
		var answered *client.Error
		if errors.As(err, &answered) {
			total.Replayed += answered.Problem.Replayed
			if answered.Status != http.StatusServiceUnavailable {
				return total, err
			}
		}
		if failed++; failed == failuresInARow || ctx.Err() != nil {
			return total, err
		}
		select {
		case <-ctx.Done():
			return total, err
		case <-time.After(r.Patience):
		}
	}
}

// asUsage takes the server's word for what was typed wrong.
func asUsage(err error) error {
	var answered *client.Error
	if errors.As(err, &answered) && answered.Status == http.StatusBadRequest {
		return usage{err}
	}
	return err
}

func plural(n int) string {
	if n == 1 {
		return "1 notification"
	}
	return strconv.Itoa(n) + " notifications"
}
