package cli

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
)

// filterFlags declares the flags of a filter.
func (i *invocation) filterFlags() *wire.Filter {
	f := &wire.Filter{}
	i.flags.StringVar(&f.State, "state", "", "`STATE`: Waiting, Delivered or Dead")
	i.flags.StringVar(&f.Namespace, "namespace", "", "`NAMESPACE` of the MerchantGateway")
	i.flags.StringVar(&f.Destination, "destination", "", "`NAME` of a destination, as 'destinations list' shows it")
	i.flags.StringVar(&f.GatewayID, "gateway", "", "`ID`: the merchantGatewayId")
	i.flags.StringVar(&f.MerchantID, "merchant", "", "`ID` of the merchant")
	i.flags.StringVar(&f.TokenID, "token", "", "`ID` of the token, whole")
	i.flags.StringVar(&f.CorrelationID, "correlation-id", "", "`ID` of D1's call")
	i.flags.StringVar(&f.UpdateType, "update-type", "", "`TYPE`, for example CARD_UPDATE")
	i.flags.StringVar(&f.Reason, "reason", "", "`REASON` of the last attempt, for example timeout")
	i.timeFlag(&f.ReceivedFrom, "received-from", "`TIME`: received then or later; 2026-11-22T03:00:00Z, or how long ago: 90m, 6h, 2d")
	i.timeFlag(&f.ReceivedUntil, "received-until", "`TIME`: received before; like --received-from")
	return f
}

// timeFlag declares a flag whose value is a time or how long ago.
func (i *invocation) timeFlag(to *time.Time, name, text string) {
	i.flags.Func(name, text, func(value string) (err error) {
		*to, err = parseWhen(value, i.Now())
		return err
	})
}

func parseWhen(value string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, value); err == nil {
		return t, nil
	}
	if days, ok := strings.CutSuffix(value, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 12); err == nil {
			return now.AddDate(0, 0, -int(n)), nil
		}
	}
	ago, err := time.ParseDuration(value)
	if err != nil || ago < 0 {
		return time.Time{}, errors.New("want a time such as 2026-11-22T03:00:00Z, or how long ago such as 90m, 6h or 2d")
	}
	return now.Add(-ago), nil
}

// describe says in words what a filter chooses.
func describe(f *wire.Filter) string {
	var parts []string
	for _, p := range []struct{ name, value string }{
		{"", f.State}, {"namespace ", f.Namespace}, {"destination ", f.Destination}, {"gateway ", f.GatewayID}, {"merchant ", f.MerchantID}, {"token ", f.TokenID},
		{"correlation id ", f.CorrelationID}, {"", f.UpdateType}, {"last reason ", f.Reason},
	} {
		if p.value != "" {
			parts = append(parts, p.name+printable(p.value))
		}
	}
	if !f.ReceivedFrom.IsZero() {
		parts = append(parts, "received from "+f.ReceivedFrom.UTC().Format(time.RFC3339))
	}
	if !f.ReceivedUntil.IsZero() {
		parts = append(parts, "received until "+f.ReceivedUntil.UTC().Format(time.RFC3339))
	}
	return strings.Join(parts, ", ")
}
