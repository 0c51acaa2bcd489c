package translate

import (
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/api/serving"
)

// dateTokens moves the TokensUntil of each key as far as its tokens may live. It is never moved back, so the keys themselves remember what a
// longer lifetime of tokens in former days has left behind.
func dateTokens(keys []serving.SigningKey, policy keyPolicy, now time.Time) {
	// Every server issues tokens of the new lifetime by then, whichever way its clock is off.
	informed := now.Add(retirementMargin)
	longest := max(policy.lifetime, policy.formerLifetime)
	for i := range keys {
		k := &keys[i]
		if i+1 == len(keys) {
			if policy.formerLifetime > policy.lifetime && !k.SignsFrom.After(informed) {
				k.TokensUntil = later(k.TokensUntil, informed.Add(policy.formerLifetime+retirementMargin))
			}
			continue
		}
		// A key that signs no more is dated already, unless nobody knew of its successor.
		if retiring := keys[i+1].SignsFrom.Add(retirementMargin); now.Before(retiring) || k.TokensUntil.Before(retiring) {
			k.TokensUntil = later(k.TokensUntil, retiring.Add(longest))
		}
	}
}

// withoutRetired drops each key that has a successor and no token left. A key's successor has signed for long then: see dateTokens.
func withoutRetired(keys []serving.SigningKey, now time.Time) []serving.SigningKey {
	newest := keys[len(keys)-1].ID
	return slices.DeleteFunc(keys, func(k serving.SigningKey) bool { return k.ID != newest && !now.Before(k.TokensUntil) })
}

// nextKeyChange answers when the next successor is due, or the next one is about to sign, or the next key has no token left.
func nextKeyChange(keys []serving.SigningKey, rotation time.Duration, now time.Time) time.Time {
	newest := len(keys) - 1
	var next time.Time
	for _, k := range keys {
		if look := lastLook(k); look.After(now) {
			next = sooner(next, look)
		}
	}
	next = sooner(next, keys[newest].SignsFrom.Add(rotation-successorLead))
	for _, k := range keys[:newest] {
		next = sooner(next, k.TokensUntil)
	}
	return next
}
