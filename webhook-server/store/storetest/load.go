package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Appender is the part of a store that AppendLoad loads; FsyncLog is one too.
type Appender interface {
	Append(ctx context.Context, n store.Notification) (id string, err error)
}

// AppendLoad appends total notifications from so many producers, each of which waits for its own to be durable before it sends the next,
// and answers how long that took. The first error ends it.
func AppendLoad(ctx context.Context, to Appender, producers, total int) (time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var sent atomic.Int64
	var done sync.WaitGroup
	started := time.Now()
	for range producers {
		done.Go(func() {
			for i := sent.Add(1); i <= int64(total) && ctx.Err() == nil; i = sent.Add(1) {
				if _, err := to.Append(ctx, LoadNotification(int(i))); err != nil {
					cancel(err)
				}
			}
		})
	}
	done.Wait()
	return time.Since(started), context.Cause(ctx)
}

// LoadNotification is a notification of usual size: random id, correlation id and token, one of 50 merchants.
func LoadNotification(i int) store.Notification {
	now := time.Now()
	merchant := fmt.Sprintf("4001%07d", i%50)
	return store.Notification{
		ID: "msg_" + rand.Text(), GatewayID: "MGW_000001", MerchantID: merchant, TokenID: rand.Text(),
		UpdateType: "TOKEN_STATE_CHANGE", CorrelationID: rand.Text(), ReceivedAt: now, Lane: "payments/acme/" + merchant,
	}
}
