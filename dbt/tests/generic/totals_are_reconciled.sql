{#-
    Ours differs from a published total by more than its reason explains: a contract is missing, or
    counted twice.
-#}
{% test totals_are_reconciled(model) %}

select * from {{ model }}
where not is_reconciled

{% endtest %}
