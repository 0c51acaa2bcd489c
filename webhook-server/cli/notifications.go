package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/d1gateway/d1gateway/webhook-server/admin/client"
	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
)

// mostAtOnce is what the server answers at most in one page.
const mostAtOnce = 500

var listNotifications = command{
	name: "list", summary: "List or search notifications, newest received first",
	details: `
Waiting: accepted, not delivered yet. Delivered: the destination answered 2xx. Dead: given up.

  webhook-server notifications list --state Dead --received-from 6h
  webhook-server notifications list --token tok_1`,
	prepare: func(i *invocation) func(context.Context, []string) error {
		c, f := i.connection(), i.filterFlags()
		limit := i.flags.Int("limit", 50, "`N` notifications at most; 0 for all (default 50)")
		after := i.flags.String("after", "", "`ID`: go on after this one")
		return func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usagef("unexpected argument %q: filters are flags", args[0])
			}
			if *limit < 0 {
				return usagef("--limit must be 0, for all, or more")
			}
			server, err := c.connect()
			if err != nil {
				return err
			}
			all, err := pages(ctx, server, f, *limit, *after)
			if err != nil {
				return err
			}
			if shown, err := c.json(i, all); shown {
				return err
			}
			return i.showList(all)
		}
	},
}

// pages collects pages until there are as many as wanted.
func pages(ctx context.Context, server *client.Client, f *wire.Filter, limit int, after string) (wire.Notifications, error) {
	all := wire.Notifications{Items: []wire.Notification{}, Next: after}
	for {
		want := mostAtOnce
		if limit > 0 {
			want = min(want, limit-len(all.Items))
		}
		page, err := server.Notifications(ctx, *f, want, all.Next)
		if err != nil {
			return all, err
		}
		all.Items, all.Next = append(all.Items, page.Items...), page.Next
		if all.Next == "" || limit > 0 && len(all.Items) >= limit {
			return all, nil
		}
	}
}

func (i *invocation) showList(all wire.Notifications) error {
	if len(all.Items) == 0 {
		say(i.Err, "no notification matches\n")
		return nil
	}
	if err := i.showNotifications(all.Items); err != nil {
		return err
	}
	if all.Next != "" {
		say(i.Err, "there are more: --after %s, or --limit 0 for all\n", all.Next)
	}
	return nil
}

func (i *invocation) showNotifications(items []wire.Notification) error {
	t, now := newTable(i.Out, "ID", "AGE", "STATE", "GATEWAY", "MERCHANT", "TOKEN", "UPDATE", "TRIES", "REASON", "NEXT"), i.Now()
	for _, n := range items {
		t.row(n.ID, age(n.ReceivedAt, now), n.State, n.GatewayID, n.MerchantID, n.TokenID, n.UpdateType, strconv.Itoa(n.Attempts), n.LastReason, until(n.NextAttempt, now))
	}
	return t.end()
}

var showNotification = command{
	name: "show", arguments: "ID...", summary: "Show notifications with their attempts",
	prepare: func(i *invocation) func(context.Context, []string) error {
		c := i.connection()
		return func(ctx context.Context, ids []string) error {
			if err := checkIDs(ids); err != nil {
				return err
			}
			server, err := c.connect()
			if err != nil {
				return err
			}
			for k, id := range ids {
				n, err := server.Notification(ctx, id)
				if err != nil {
					return err
				}
				if shown, err := c.json(i, n); shown && err == nil {
					continue
				} else if err != nil {
					return err
				}
				if k > 0 {
					say(i.Out, "\n")
				}
				if err := i.showOne(&n); err != nil {
					return err
				}
			}
			return nil
		}
	},
}

func (i *invocation) showOne(n *wire.Notification) error {
	now := i.Now()
	t := newTable(i.Out, "ID:", n.ID)
	for _, line := range [][2]string{
		{"State:", n.State}, {"Destination:", n.Destination}, {"Gateway:", n.GatewayID}, {"Merchant:", n.MerchantID}, {"Token:", n.TokenID}, {"Update type:", n.UpdateType},
		{"Correlation id:", n.CorrelationID}, {"Received:", instant(n.ReceivedAt, now)}, {"Replayed:", instant(n.ReplayedAt, now)}, {"Attempts:", strconv.Itoa(n.Attempts)},
		{"Last reason:", n.LastReason}, {"Next attempt:", instant(n.NextAttempt, now)},
	} {
		if line[1] != "" {
			t.row(line[0], line[1])
		}
	}
	if err := t.end(); err != nil || len(n.History) == 0 {
		return err
	}
	say(i.Out, "\n")
	t = newTable(i.Out, "ENDED", "AGE", "TOOK", "STATUS", "REASON")
	for _, a := range n.History {
		status, reason := strconv.Itoa(a.Status), a.Reason
		if a.Status == 0 {
			status = ""
		}
		if reason == "" {
			reason = "delivered"
		}
		t.row(a.EndedAt.UTC().Format("2006-01-02T15:04:05.000Z"), age(a.EndedAt, now), strconv.FormatInt(a.TookMilliseconds, 10)+"ms", status, reason)
	}
	return t.end()
}

// checkIDs refuses what cannot be an id, before anything is done.
func checkIDs(ids []string) error {
	if len(ids) == 0 {
		return usagef("which one? Give its id, as 'notifications list' shows it")
	}
	for _, id := range ids {
		if id == "" || len(id) > 64 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
			return usagef("%q is not the id of a notification", id)
		}
	}
	return nil
}
