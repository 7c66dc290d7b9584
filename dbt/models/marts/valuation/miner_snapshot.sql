-- far beyond any price: the macro answers for the last session that has prices
{% set macro = ref('miner_snapshot_asof') -%}

select * from {{ macro.schema }}.{{ macro.identifier }}(date '9999-12-31')
