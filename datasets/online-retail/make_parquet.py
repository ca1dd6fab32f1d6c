"""Makes online-retail.parquet from the CSV of UCI Online Retail: the same rows, columns and order, nothing cleaned.

    pip install pyarrow==26.0.1
    python make_parquet.py online_retail.csv.gz [online-retail.parquet]

The CSV has the header InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country,
dates as YYYY-MM-DD HH:MM:SS and an empty field where the original sheet has an empty cell.
"""

import sys

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet

TYPES = {
    "InvoiceNo": pa.string(),
    "StockCode": pa.string(),
    "Description": pa.string(),
    "Quantity": pa.int32(),
    "InvoiceDate": pa.timestamp("ms"),
    "UnitPrice": pa.float64(),
    "CustomerID": pa.int32(),
    "Country": pa.string(),
}


def main(source, target):
    convert = csv.ConvertOptions(
        column_types=TYPES, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=True
    )
    table = csv.read_csv(
        source, convert_options=convert, parse_options=csv.ParseOptions(newlines_in_values=True)
    )
    assert table.column_names == list(TYPES), table.column_names
    parquet.write_table(
        table,
        target,
        compression="gzip",
        compression_level=9,
        row_group_size=table.num_rows,
        dictionary_pagesize_limit=4 << 20,
        data_page_size=8 << 20,
        store_schema=False,
    )
    print(f"{target}: {table.num_rows} rows")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "online-retail.parquet")
