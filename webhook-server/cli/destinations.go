package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/admin/client"
	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
)

var listDestinations = command{
	name: "list", summary: "List destinations: what waits for them, what was given up, what is paused",
	details: `
Shown are those with something waiting, dead or paused. A destination is named namespace/name of the MerchantGateway and its
merchantGatewayId, and for a merchant's own destination the merchant id.

Held back are those that are paused or not configured any more. What fails is not: its notifications are tried again by their schedule. The reasons are in
'notifications list --state Waiting --destination NAME', and the metric d1gateway_delivery_circuit_open is 1 where nothing but failures come.`,
	prepare: func(i *invocation) func(context.Context, []string) error {
		c, q := i.connection(), &client.DestinationQuery{}
		i.flags.StringVar(&q.Namespace, "namespace", "", "`NAMESPACE` of the MerchantGateway")
		i.flags.StringVar(&q.GatewayID, "gateway", "", "`ID`: the merchantGatewayId")
		i.flags.StringVar(&q.MerchantID, "merchant", "", "`ID` of a merchant with a destination of its own")
		i.flags.BoolVar(&q.All, "all", false, "also those with nothing waiting, dead or paused")
		return func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usagef("unexpected argument %q: filters are flags", args[0])
			}
			server, err := c.connect()
			if err != nil {
				return err
			}
			all := wire.Destinations{Items: []wire.Destination{}}
			for {
				page, err := server.Destinations(ctx, *q)
				if err != nil {
					return err
				}
				all.Items = append(all.Items, page.Items...)
				if q.After = page.Next; q.After == "" {
					break
				}
			}
			if shown, err := c.json(i, all); shown {
				return err
			}
			if len(all.Items) == 0 && !q.All {
				say(i.Err, "nothing waits, nothing is dead, nothing is paused (--all lists every destination)\n")
				return nil
			}
			return i.showDestinations(all.Items)
		}
	},
}

func (i *invocation) showDestinations(items []wire.Destination) error {
	t, now := newTable(i.Out, "DESTINATION", "WAITING", "OLDEST", "DEAD", "HELD BACK"), i.Now()
	for _, d := range items {
		t.row(d.Destination, strconv.Itoa(d.Waiting), age(d.OldestWaiting, now), strconv.Itoa(d.Dead), heldBack(&d, now))
	}
	return t.end()
}

// heldBack says what a person has to end before anything is delivered; it is empty when there is no such thing.
func heldBack(d *wire.Destination, now time.Time) string {
	var parts []string
	for _, p := range d.Pauses {
		text := "paused"
		if p.Of == wire.OfGateway {
			text = "gateway paused"
		}
		text += " " + age(p.Since, now) + " ago"
		if p.By != "" {
			text += " by " + p.By
		}
		if p.Reason != "" {
			text += ": " + p.Reason
		}
		parts = append(parts, text)
	}
	if !d.Configured {
		parts = append(parts, "not configured")
	}
	return strings.Join(parts, "; ")
}

const wholeGateway = "whole-gateway"

var pauseDestination = command{
	name: "pause", arguments: "DESTINATION...", summary: "Hold back what waits for destinations: it is accepted and kept, but not delivered",
	details: `
  webhook-server destinations pause payments/acme/MGW_000001/40010000001 --reason "their release, until 04:00"
  webhook-server destinations pause payments/acme/MGW_000001 --whole-gateway`,
	prepare: func(i *invocation) func(context.Context, []string) error {
		c := i.connection()
		whole := i.flags.Bool(wholeGateway, false, "all destinations of the gateway namespace/name/merchantGatewayId")
		reason := i.flags.String("reason", "", "`TEXT` for others to read")
		return func(ctx context.Context, names []string) error {
			return i.change(c, names, func(server *client.Client, name string) (wire.Destinations, error) {
				return server.Pause(ctx, targetOf(name, *whole, *reason))
			})
		}
	},
}

var resumeDestination = command{
	name: "resume", arguments: "DESTINATION...", summary: "Deliver to paused destinations again",
	details: `What waited through the pause is tried at once, however old it is.`,
	prepare: func(i *invocation) func(context.Context, []string) error {
		c := i.connection()
		whole := i.flags.Bool(wholeGateway, false, "all destinations of the gateway namespace/name/merchantGatewayId")
		return func(ctx context.Context, names []string) error {
			return i.change(c, names, func(server *client.Client, name string) (wire.Destinations, error) {
				return server.Resume(ctx, targetOf(name, *whole, ""))
			})
		}
	},
}

func targetOf(name string, whole bool, reason string) wire.Target {
	if whole {
		return wire.Target{Gateway: name, Reason: reason}
	}
	return wire.Target{Destination: name, Reason: reason}
}

// change does something to destinations, one after the other, and shows how they are then.
func (i *invocation) change(c *connection, names []string, do func(*client.Client, string) (wire.Destinations, error)) error {
	if len(names) == 0 {
		return usagef("which one? Give its name, as 'destinations list --all' shows it")
	}
	server, err := c.connect()
	if err != nil {
		return err
	}
	all := wire.Destinations{Items: []wire.Destination{}}
	var failed error
	for _, name := range names {
		changed, err := do(server, name)
		if err != nil {
			failed = asUsage(fmt.Errorf("%s: %w", name, err))
			break
		}
		all.Items = append(all.Items, changed.Items...)
	}
	if len(all.Items) == 0 {
		return failed
	}
	if shown, err := c.json(i, all); err != nil {
		return err
	} else if shown {
		return failed
	}
	if err := i.showDestinations(all.Items); err != nil {
		return err
	}
	return failed
}
