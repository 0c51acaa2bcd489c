package schema

import (
	"context"
	"slices"

	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metavalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/common"
)

// Default fills the schema's defaults into obj, as the API server does. It leaves an object of another kind alone.
func (v *Validator) Default(obj *unstructured.Unstructured) {
	if k := v.kinds[obj.GroupVersionKind()]; k != nil {
		k.prepare(obj)
	}
}

// Validate answers what the API server would find wrong with creating obj or, when old is not nil, with replacing old by obj. Defaults need not
// have been filled in; neither object is changed. An unknown or misplaced field is an error, as it is to kubectl.
func (v *Validator) Validate(ctx context.Context, obj, old *unstructured.Unstructured) field.ErrorList {
	k := v.kinds[obj.GroupVersionKind()]
	if k == nil {
		return field.ErrorList{field.NotSupported(field.NewPath("kind"), obj.GroupVersionKind().String(), v.supported())}
	}
	obj = obj.DeepCopy()
	errs := k.unknownFields(obj)
	k.prepare(obj)
	metadata := field.NewPath("metadata")
	if old == nil {
		errs = append(errs, metavalidation.ValidateObjectMetaAccessor(obj, true, metavalidation.NameIsDNSSubdomain, metadata)...)
		errs = append(errs, validation.ValidateCustomResource(nil, obj.Object, k.values)...)
		return k.validateRules(ctx, errs, obj, nil)
	}
	old = old.DeepCopy()
	k.prepare(old)
	errs = append(errs, metavalidation.ValidateObjectMetaAccessorUpdate(versioned(obj), versioned(old), metadata)...)
	correlated := common.NewCorrelatedObject(obj.Object, old.Object, &model.Structural{Structural: k.structural})
	errs = append(errs, validation.ValidateCustomResourceUpdate(nil, obj.Object, old.Object, k.values, validation.WithRatcheting(correlated))...)
	return k.validateRules(ctx, errs, obj, old, cel.WithRatcheting(correlated))
}

// validateRules adds what needs a sound structure: sets, maps and CEL. Where errs says there is none, CEL could only add confusing errors.
func (k *kind) validateRules(ctx context.Context, errs field.ErrorList, obj, old *unstructured.Unstructured, opts ...cel.Option) field.ErrorList {
	errs = append(errs, objectmeta.Validate(ctx, nil, obj.Object, k.structural, false)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, k.structural, obj.Object)...)
	if slices.ContainsFunc(errs, blocks) {
		return errs
	}
	var before any
	if old != nil {
		before = old.Object
	}
	found, _ := k.rules.Validate(ctx, nil, k.structural, obj.Object, before, celconfig.RuntimeCELCostBudget, opts...)
	return append(errs, found...)
}

// blocks says whether the API server skips CEL after this error.
func blocks(err *field.Error) bool {
	return slices.Contains([]field.ErrorType{field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid}, err.Type)
}

// prepare does to an object what the API server does on reading it.
func (k *kind) prepare(obj *unstructured.Unstructured) {
	pruning.Prune(obj.Object, k.structural, true)
	defaulting.PruneNonNullableNullsWithoutDefaults(obj.Object, k.structural)
	defaulting.Default(obj.Object, k.structural)
}

// unknownFields answers an error for each field that the schema or the object metadata does not have, or has in another type.
func (k *kind) unknownFields(obj *unstructured.Unstructured) field.ErrorList {
	var errs field.ErrorList
	_, _, unknown, err := objectmeta.GetObjectMetaWithOptions(obj.DeepCopy().Object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		errs = append(errs, field.Invalid(field.NewPath("metadata"), nil, err.Error()))
	}
	track := structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	unknown = append(unknown, pruning.PruneWithOptions(obj.DeepCopy().Object, k.structural, true, track)...)
	for _, path := range unknown {
		errs = append(errs, field.Forbidden(field.NewPath(path), "unknown field"))
	}
	return errs
}

// versioned answers obj with a resourceVersion: an update in a cluster has one, a manifest has not.
func versioned(obj metav1.Object) metav1.Object {
	if obj.GetResourceVersion() == "" {
		obj.SetResourceVersion("0")
	}
	return obj
}

func (v *Validator) supported() []string {
	var kinds []string
	for gvk := range v.kinds {
		kinds = append(kinds, gvk.String())
	}
	slices.Sort(kinds)
	return kinds
}
