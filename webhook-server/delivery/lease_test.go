package delivery

import (
	"context"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"

	api "github.com/d1gateway/d1gateway/api/serving"
)

func TestAnAttemptEndsWhileItsClaimLasts(t *testing.T) {
	for name, c := range map[string]struct {
		timeout int
		most    time.Duration
		bounded bool
	}{
		"a destination as it was when it was claimed":              {timeout: 10, most: 15 * time.Second},
		"a destination that has been given a longer timeout since": {timeout: 60, most: 15 * time.Second, bounded: true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := within(context.Background(), c.most, &serving.Destination{Destination: &api.Destination{TimeoutSeconds: c.timeout}})
			defer cancel()
			if _, bounded := ctx.Deadline(); bounded != c.bounded {
				t.Errorf("bounded: %t", bounded)
			}
		})
	}
}
