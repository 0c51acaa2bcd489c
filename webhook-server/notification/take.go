package notification

import (
	"context"
	"errors"
	"log/slog"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// take does what a well-formed, authenticated call asks for and sets the answer.
func (c *call) take() {
	destination := c.gateway.Destination(c.path.MerchantID)
	if destination == nil {
		c.refuse(UnknownMerchant, nil)
		return
	}
	ctx, cancel := c.within(c.Timeout)
	defer cancel()
	if refusal, err := c.lookUp(ctx); refusal != "" {
		c.refuse(refusal, err)
		return
	}
	n := store.Notification{
		ID:            c.NewID(),
		GatewayID:     c.gateway.GatewayID,
		MerchantID:    c.path.MerchantID,
		TokenID:       c.path.TokenID,
		UpdateType:    c.updateType,
		CorrelationID: c.correlationID,
		ReceivedAt:    c.now,
		Lane:          destination.Lane,
		Ordered:       destination.Ordered,
		Merge:         destination.MergeRepeats,
	}
	if destination.Synchronous {
		c.forward(n, destination)
		return
	}
	deliveredAs, err := c.Store.Append(ctx, n)
	if err != nil {
		outcome := StoreFailed
		if errors.Is(err, store.ErrFull) {
			outcome = StoreFull
		}
		c.refuseByStore(outcome, err)
		return
	}
	if n := c.storeRefusals.taken(c.now); n > 0 {
		c.Logger.LogAttrs(ctx, slog.LevelWarn, "notifications were not taken by the store, without a line each", slog.Int64("unlogged", n))
	}
	if deliveredAs != n.ID {
		c.accept(Merged, n, slog.String("mergedInto", deliveredAs))
		return // the other one has woken its lane
	}
	c.accept(Accepted, n)
	c.Wake(n.Lane)
}

// lookUp asks the platform about the token when the gateway wants it to be asked.
func (c *call) lookUp(ctx context.Context) (refusal Outcome, err error) {
	if c.gateway.Lookup() == nil {
		return "", nil
	}
	if c.Lookup == nil {
		return LookupFailed, errors.New("there is no look-up")
	}
	state, err := c.Lookup(ctx, c.gateway, c.path.MerchantID, c.path.TokenID)
	switch {
	case err != nil:
		return LookupFailed, err
	case state == TokenKnown:
		return "", nil
	case state == TokenUnknown:
		return UnknownToken, nil
	default:
		return TokenTooNew, nil
	}
}

// forward hands the notification to a Synchronous destination; it is never stored.
func (c *call) forward(n store.Notification, d *serving.Destination) {
	if c.Forward == nil {
		c.refuse(ForwardFailed, errors.New("there is no forwarder"))
		return
	}
	ctx, cancel := c.within(time.Duration(d.TimeoutSeconds) * time.Second)
	defer cancel()
	switch c.Forward(ctx, n, d) {
	case ForwardDelivered:
		c.accept(Forwarded, n)
	case ForwardUnknownToken:
		c.refuse(UnknownToken, nil)
	case ForwardRefused:
		c.refuse(MerchantError, nil)
	default:
		c.refuse(ForwardFailed, nil)
	}
}

// accept is the point of no return: whatever fails after it, D1 is told that the notification has been taken.
func (c *call) accept(o Outcome, n store.Notification, more ...slog.Attr) {
	c.answer = answer{outcome: o}
	attrs := []slog.Attr{
		slog.String("id", n.ID), slog.String("merchant", n.MerchantID),
		slog.String("token", api.MaskCardNumbers(n.TokenID)), slog.String("updateType", api.MaskCardNumbers(n.UpdateType)),
	}
	c.Logger.LogAttrs(c.request.Context(), slog.LevelInfo, "notification accepted", c.who(append(attrs, more...)...)...)
	if !documented(n.UpdateType) {
		c.Observer.UndocumentedUpdateType(c.gateway)
	}
}

// refuse sets an answer other than 204 for a well-formed call.
func (c *call) refuse(o Outcome, err error, more ...slog.Attr) {
	c.answer = answer{outcome: o}
	attrs := []slog.Attr{slog.String("outcome", string(o)), slog.String("merchant", c.path.MerchantID), slog.String("token", api.MaskCardNumbers(c.path.TokenID))}
	if err != nil {
		attrs = append(attrs, slog.String("error", api.MaskCardNumbers(err.Error())))
	}
	c.Logger.LogAttrs(c.request.Context(), slog.LevelWarn, "notification not taken", c.who(append(attrs, more...)...)...)
}

// refuseByStore is refuse, but does not log each.
func (c *call) refuseByStore(o Outcome, err error) {
	logs, unlogged := c.storeRefusals.refused(c.now)
	if !logs {
		c.answer = answer{outcome: o}
		return
	}
	c.refuse(o, err, slog.Int64("unlogged", unlogged))
}
